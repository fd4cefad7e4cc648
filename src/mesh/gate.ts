/** Default deny at the door: every protocol handler of the swarm, ours or libp2p's own, runs only after the policy allowed this peer. Refused openers may ask why over /dmesh/why/1.0.0. */
import type { Connection, Stream } from '@libp2p/interface'
import type { Decide, PolicyRow, Usage, Who } from '../core/access.ts'
import type { Clock } from '../shared/clock.ts'
import { errorFromWire, errorToWire, MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { createFrameReader, decodeJson, encodeJsonFrame } from '../wire/frame.ts'
import { FOREIGN, PROTOCOL } from '../wire/ids.ts'
import { MAX_DENIALS, MAX_STREAMS_PER_PROTOCOL, MAX_WHY_FRAME, WHY_TIMEOUT } from './limits.ts'
import { toPeerStream } from './peer-stream.ts'
import { answerPing } from './rtt.ts'
import type { Swarm } from './swarm.ts'

/** Capability of each handler that libp2p brings along. A protocol that is in neither table is denied. */
const FOREIGN_CAPABILITY: Readonly<Record<string, string>> = {
  '/ipfs/id/1.0.0': 'link.identify', // who are you, which protocols
  '/ipfs/id/push/1.0.0': 'link.identify',
  [FOREIGN.ping]: 'link.ping',
  [FOREIGN.stop]: 'link.circuit', // a relay brings us a circuit
  [FOREIGN.hop]: 'link.hop', // the hop server asks its own finer questions
  [FOREIGN.webrtcSignalling]: 'link.signal',
  [PROTOCOL.webrtc]: 'link.signal',
  [PROTOCOL.why]: 'link.why',
}

export interface GateParts {
  readonly decide: Decide
  readonly rolesOf: (peer: string) => Who['roles']
  readonly clock: Clock
  readonly log: Log
}

export type Serve = (stream: Stream, connection: Connection, time: number | undefined) => void | Promise<void>

export interface Gate {
  /** Register a guarded handler; the returned function removes it. */
  handle(protocol: string, may: string, serve: Serve): Promise<() => Promise<void>>
  /** Wrap what libp2p's services registered. Call once, after start. */
  guardForeign(): Promise<void>
  /** Every protocol with a handler and its capability; undefined = denied for everyone. */
  handlers(): readonly (readonly [protocol: string, may: string | undefined])[]
  /** Ask a peer why it refused. Undefined when it does not say. */
  askWhy(connection: Connection, protocol: string): Promise<MeshError | undefined>
  /** Cut live streams that the policy no longer allows. */
  recheck(): void
}

interface Live {
  readonly peer: string
  readonly may: string
  readonly protocol: string
  readonly stream: Stream
}

export function createGate(swarm: Swarm, parts: GateParts): Gate {
  const { registrar } = swarm.components
  const capabilities = new Map<string, string>(Object.entries(FOREIGN_CAPABILITY))
  const denials = new Map<string, MeshError>()
  const live = new Set<Live>()
  const starts = new Map<string, number[]>()

  const decide = (peer: string, may: string, protocol: string, usage: Usage) =>
    parts.decide({ peer, roles: parts.rolesOf(peer) }, may, protocol, usage, parts.clock.now())

  const deny = (peer: string, protocol: string, error: MeshError) => {
    if (denials.size >= MAX_DENIALS) denials.delete(denials.keys().next().value as string)
    denials.set(`${peer} ${protocol}`, error)
    parts.log('access.denied', { peer, protocol, code: error.code }, 'info')
  }

  const guarded = (protocol: string, serve: Serve) => async (stream: Stream, connection: Connection) => {
    const peer = connection.remotePeer.toString()
    const may = capabilities.get(protocol) ?? 'stream.open'
    const decision = decide(peer, may, protocol, usageOf(starts, live, peer, may, parts.clock.now()))
    if (!decision.allow) {
      const error = new MeshError('ACCESS_DENIED', decision.why)
      deny(peer, protocol, error)
      return stream.abort(error)
    }
    const entry: Live = { peer, may, protocol, stream }
    live.add(entry)
    stream.addEventListener('close', () => live.delete(entry))
    try {
      await serve(stream, connection, decision.limits.time)
    } catch (error) {
      const own = toMeshError(error)
      deny(peer, protocol, own)
      stream.abort(own)
    }
  }

  const register = async (protocol: string, serve: Serve, force: boolean) => {
    await registrar.handle(protocol, guarded(protocol, serve), {
      maxInboundStreams: MAX_STREAMS_PER_PROTOCOL,
      maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL,
      runOnLimitedConnection: true,
      ...(force ? { force } : {}),
    })
  }

  return {
    async handle(protocol, may, serve) {
      if (registrar.getProtocols().includes(protocol)) throw new MeshError('BAD_ARGUMENT', `${protocol} has a handler already`)
      capabilities.set(protocol, may)
      await register(protocol, serve, false)
      return async () => {
        capabilities.delete(protocol)
        await registrar.unhandle(protocol)
      }
    },
    async guardForeign() {
      for (const protocol of registrar.getProtocols()) {
        if (protocol in FOREIGN_CAPABILITY) await register(protocol, registrar.getHandler(protocol).handler, true)
      }
      await register(FOREIGN.ping, answerPing, false)
      await register(PROTOCOL.why, (stream, connection) => answerWhy(stream, connection, denials), false)
    },
    handlers: () => registrar.getProtocols().map((protocol) => [protocol, capabilities.get(protocol)] as const),
    askWhy,
    recheck() {
      for (const { peer, may, protocol, stream } of live) {
        const { allow, why } = decide(peer, may, protocol, { startsLastMinute: 0, concurrent: 0 })
        if (!allow) stream.abort(new MeshError('ACCESS_DENIED', why))
      }
    },
  }
}

const MINUTE = 60_000

function usageOf(starts: Map<string, number[]>, live: Set<Live>, peer: string, may: string, now: number): Usage {
  const key = `${peer} ${may}`
  const recent = (starts.get(key) ?? []).filter((at) => at > now - MINUTE)
  const usage = { startsLastMinute: recent.length, concurrent: [...live].filter((entry) => entry.peer === peer && entry.may === may).length }
  if (recent.length < MAX_STREAMS_PER_PROTOCOL * 4) recent.push(now)
  if (starts.size >= MAX_DENIALS * 4) starts.delete(starts.keys().next().value as string)
  starts.set(key, recent)
  return usage
}

async function answerWhy(raw: Stream, connection: Connection, denials: Map<string, MeshError>): Promise<void> {
  const stream = toPeerStream(raw, { peer: connection.remotePeer.toString(), protocol: PROTOCOL.why, path: 'direct' })
  const reader = createFrameReader(stream.readable)
  const question = decodeJson((await reader.read(MAX_WHY_FRAME, AbortSignal.timeout(WHY_TIMEOUT))) ?? new Uint8Array())
  const { protocol } = (question ?? {}) as { protocol?: unknown }
  const denial = denials.get(`${stream.peer} ${String(protocol).slice(0, 200)}`)
  const writer = stream.writable.getWriter()
  await writer.write(encodeJsonFrame(denial ? errorToWire(denial) : {}))
  await writer.close()
}

async function askWhy(connection: Connection, protocol: string): Promise<MeshError | undefined> {
  if (connection.status !== 'open') return undefined
  const signal = AbortSignal.timeout(WHY_TIMEOUT)
  const raw = await connection.newStream(PROTOCOL.why, { signal, runOnLimitedConnection: true })
  const stream = toPeerStream(raw, { peer: connection.remotePeer.toString(), protocol: PROTOCOL.why, path: 'direct' })
  const writer = stream.writable.getWriter()
  await writer.write(encodeJsonFrame({ protocol }))
  const frame = await createFrameReader(stream.readable).read(MAX_WHY_FRAME, signal)
  writer.close().catch(() => undefined)
  const answer = frame ? decodeJson(frame) : undefined
  return answer && typeof answer === 'object' && 'code' in answer ? errorFromWire(answer) : undefined
}

/** The rows for what every link needs; without them two peers cannot even say who they are. */
export function linkRows(): readonly PolicyRow[] {
  const may = [...new Set(Object.values(FOREIGN_CAPABILITY))]
  return [
    { id: 'link', who: ['anyone'], may, limits: { rate: MAX_STREAMS_PER_PROTOCOL }, label: 'Anyone: say who they are, measure the path, set up a direct one' },
    { id: 'link-echo', who: ['own', 'member', 'lobby'], may: ['link.echo'], label: 'People in my meshes: test the path' },
  ]
}
