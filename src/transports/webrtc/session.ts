/** The stand-in's end of one RTC host: numbers connections, channels and calls, and routes what the host says. Ends all of them when the host is gone. */
import type { Port } from '../../core/port.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { CALL_TIMEOUT, MAX_CALLS } from './limits.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { StandInChannel } from './stand-in-channel.ts'
import type { RtcCall, RtcFault, RtcFingerprint, RtcState, ToHost, ToStandIn } from './wire.ts'

/** What a connection of the stand-in is told. */
export interface ConnectionSide {
  onState(state: RtcState, event: string | undefined): void
  onMessage(message: Extract<ToStandIn, { op: 'candidate' | 'candidate-error' | 'channel' }>): void
  /** It can never work: refused, or the host is gone. */
  end(error: MeshError): void
}

export interface Session {
  readonly out: Outbox<ToHost>
  /** Bytes that may still be queued, over all hosts. */
  readonly room: () => number
  addConnection(side: ConnectionSide): number
  addChannel(side: (ch: number) => StandInChannel): StandInChannel
  /** For a channel that the other peer opened; `ch` comes from the host. */
  adoptChannel(ch: number, side: StandInChannel): void
  dropConnection(pc: number): void
  dropChannel(ch: number): void
  /** Answer of the host; rejects with a MeshError, TIMEOUT after CALL_TIMEOUT ms. */
  call(pc: number, name: RtcCall, args: readonly unknown[]): Promise<unknown>
  certificate(algorithm: unknown): Promise<StandInCertificate>
  size(): number
  queued(): number
  end(error: MeshError): void
}

export interface StandInCertificate {
  readonly expires: number
  getFingerprints(): readonly RtcFingerprint[]
  /** The host's number of it. */
  readonly certificateId: number
}

interface Waiting {
  settle(value: unknown, error: MeshError | undefined): void
}

export function createSession(init: { readonly port: Port; readonly clock: Clock; readonly log: Log; readonly room: () => number }): Session {
  const { port, clock } = init
  const out = createOutbox<ToHost>(port)
  const connections = new Map<number, ConnectionSide>()
  const channels = new Map<number, StandInChannel>()
  const calls = new Map<number, Waiting>()
  let ended: MeshError | undefined
  let next = 1

  const ask = (send: (call: number) => ToHost): Promise<unknown> => {
    if (ended) return Promise.reject(ended)
    if (calls.size >= MAX_CALLS) return Promise.reject(new MeshError('LIMIT_REACHED', `${MAX_CALLS} WebRTC calls are waiting already`))
    const call = next++
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const cancel = clock.after(CALL_TIMEOUT, () =>
      calls.get(call)?.settle(undefined, new MeshError('TIMEOUT', `the page did not answer in ${CALL_TIMEOUT} ms`)),
    )
    calls.set(call, {
      settle(value, error) {
        cancel()
        calls.delete(call)
        if (error) reject(error)
        else resolve(value)
      },
    })
    out.push(send(call))
    return promise
  }
  port.listen((message) => {
    for (const item of message as readonly ToStandIn[]) route(item, connections, channels, calls)
  })
  return {
    out,
    room: init.room,
    addConnection(side) {
      const pc = next++
      connections.set(pc, side)
      return pc
    },
    addChannel(side) {
      const ch = next++
      const channel = side(ch)
      channels.set(ch, channel)
      return channel
    },
    adoptChannel: (ch, side) => void channels.set(ch, side),
    dropConnection: (pc) => void connections.delete(pc),
    dropChannel: (ch) => void channels.delete(ch),
    call: (pc, name, args) => ask((call) => ({ op: 'call', pc, call, name, args })),
    async certificate(algorithm) {
      const made = (await ask((call) => ({ op: 'certificate', call, algorithm }))) as {
        id: number
        expires: number
        fingerprints: readonly RtcFingerprint[]
      }
      return { certificateId: made.id, expires: made.expires, getFingerprints: () => made.fingerprints }
    },
    size: () => connections.size,
    queued: () => [...channels.values()].reduce((sum, channel) => sum + channel.queued(), 0),
    end(error) {
      if (ended) return
      ended = error
      port.close()
      for (const waiting of [...calls.values()]) waiting.settle(undefined, error)
      for (const side of [...connections.values()]) side.end(error)
      connections.clear()
      channels.clear()
    },
  }
}

function route(item: ToStandIn, connections: Map<number, ConnectionSide>, channels: Map<number, StandInChannel>, calls: Map<number, Waiting>): void {
  switch (item.op) {
    case 'message':
      return channels.get(item.ch)?.onMessage(item.data)
    case 'drained':
      return channels.get(item.ch)?.onDrained(item.bytes)
    case 'channel-state':
      return channels.get(item.ch)?.onState(item.readyState, item.id, item.error)
    case 'reply':
      // State first: after `await setLocalDescription()` the caller reads localDescription.
      if (item.pc !== undefined && item.state) connections.get(item.pc)?.onState(item.state, undefined)
      return calls.get(item.call)?.settle(item.value, item.error && faultToError(item.error))
    case 'state':
      return connections.get(item.pc)?.onState(item.state, item.event)
    case 'refused':
      return connections.get(item.pc)?.end(faultToError(item.error))
    default:
      return connections.get(item.pc)?.onMessage(item)
  }
}

/** A DOMException of the page as one of our errors. */
function faultToError({ name, message }: RtcFault): MeshError {
  const code =
    name === 'InvalidStateError'
      ? 'CLOSED'
      : name === 'QuotaExceededError'
        ? 'LIMIT_REACHED'
        : name === 'NotSupportedError'
          ? 'NOT_SUPPORTED'
          : name === 'NetworkError'
            ? 'PATH_LOST'
            : 'BAD_ARGUMENT'
  return new MeshError(code, `${name}: ${message}`)
}
