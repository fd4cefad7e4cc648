/** RTCDataChannel of the stand-in: same surface, data moved over the port, `bufferedAmount` mirrored from what the real channel reports. Must never accept more than MAX_QUEUED bytes. */
import { MeshError } from '../../shared/errors.ts'
import { eventOf, withHandlers } from './emitter.ts'
import { LOW_WATER, MAX_QUEUED, READ_STEP } from './limits.ts'
import type { Outbox } from './outbox.ts'
import { type RtcFault, sizeOf, type ToHost } from './wire.ts'

export interface StandInChannel {
  /** What the user of RTCDataChannel sees. */
  readonly channel: EventTarget
  onState(readyState: string, id: number | null, error: RtcFault | undefined): void
  onMessage(data: ArrayBuffer | string): void
  onDrained(bytes: number): void
  /** The connection under it ended: an error unless it was closing already, then `close`. */
  end(error: MeshError): void
  /** Bytes accepted and not reported as sent. */
  queued(): number
}

export interface StandInChannelInit {
  readonly ch: number
  readonly label: string
  readonly id: number | null
  readonly protocol: string
  readonly ordered: boolean
  readonly negotiated: boolean
  readonly readyState: string
  readonly out: Outbox<ToHost>
  /** Room left for all channels together, bytes. */
  readonly room: () => number
  readonly onGone: () => void
}

const EVENTS = ['open', 'message', 'bufferedamountlow', 'closing', 'close', 'error'] as const

export function standInChannel(init: StandInChannelInit): StandInChannel {
  const { ch, out } = init
  const state = { readyState: init.readyState, id: init.id, queued: 0, threshold: 0, unreported: 0 }
  const channel = withHandlers(new EventTarget(), EVENTS)

  const setReadyState = (next: string): void => {
    if (next === state.readyState || state.readyState === 'closed') return
    state.readyState = next
    if (next === 'closed') init.onGone()
    if (next === 'connecting') return
    channel.dispatchEvent(eventOf(next === 'closed' ? 'close' : next))
  }
  const push = (own: ArrayBuffer | string): void => {
    if (state.readyState !== 'open') throw new MeshError('CLOSED', `the data channel is ${state.readyState}`)
    const size = sizeOf(own)
    if (state.queued + size > MAX_QUEUED || size > init.room()) throw new MeshError('LIMIT_REACHED', `${state.queued} bytes wait to be sent already`)
    state.queued += size
    out.push({ op: 'send', ch, data: own }, typeof own === 'string' ? undefined : own)
  }
  const surface = {
    send: (data: ArrayBuffer | ArrayBufferView | string) => push(typeof data === 'string' ? data : copyOf(data)),
    /** Not in the standard: `data` is moved instead of copied and must not be touched again. */
    sendOwned: (data: ArrayBuffer) => push(data),
    close() {
      if (state.readyState === 'closed' || state.readyState === 'closing') return
      state.readyState = 'closing'
      out.push({ op: 'close-channel', ch })
    },
  }
  Object.defineProperties(channel, {
    ...fixed({
      label: init.label,
      protocol: init.protocol,
      ordered: init.ordered,
      negotiated: init.negotiated,
      binaryType: 'arraybuffer',
      ...surface,
    }),
    id: { get: () => state.id, enumerable: true },
    readyState: { get: () => state.readyState, enumerable: true },
    bufferedAmount: { get: () => state.queued, enumerable: true },
    bufferedAmountLowThreshold: { get: () => state.threshold, set: (bytes: number) => void (state.threshold = Number(bytes) || 0), enumerable: true },
  })
  return {
    channel,
    onState(readyState, id, error) {
      state.id = id ?? state.id
      if (error) channel.dispatchEvent(eventOf('error', { error: new MeshError('PATH_LOST', `${error.name}: ${error.message}`) }))
      setReadyState(readyState)
    },
    onMessage(data) {
      state.unreported += sizeOf(data)
      if (state.unreported >= READ_STEP) {
        out.push({ op: 'read', ch, bytes: state.unreported })
        state.unreported = 0
      }
      if (state.readyState !== 'closed') channel.dispatchEvent(new MessageEvent('message', { data }))
    },
    onDrained(bytes) {
      const before = state.queued
      state.queued = Math.max(0, before - bytes)
      const low = Math.max(state.threshold, LOW_WATER)
      // Also at zero, for a writer that never got above LOW_WATER but waits for the end.
      if ((before > low && state.queued <= low) || (before > 0 && state.queued === 0)) channel.dispatchEvent(eventOf('bufferedamountlow'))
    },
    end(error) {
      if (state.readyState === 'closed') return
      if (state.readyState !== 'closing') channel.dispatchEvent(eventOf('error', { error }))
      setReadyState('closed')
    },
    queued: () => state.queued,
  }
}

/** RTCDataChannel.send copies too: the caller may change its bytes at once. */
function copyOf(data: ArrayBuffer | ArrayBufferView): ArrayBuffer {
  if (data instanceof ArrayBuffer) return data.slice(0)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice().buffer
}

/** Property descriptors for values; `binaryType` may be set, and is always 'arraybuffer'. */
function fixed(values: Readonly<Record<string, unknown>>): PropertyDescriptorMap {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { get: () => value, set: () => undefined, enumerable: true }]))
}
