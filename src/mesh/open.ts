/** Opens a stream to a peer over its best path and says in our codes why it could not. */
import type { Connection, NewStreamOptions, Stream } from '@libp2p/interface'
import type { PeerStream } from '../core/peer-stream.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import type { Connector } from './connector.ts'
import type { Gate } from './gate.ts'
import { EAGER_FRESH, MAX_AGREED, MAX_STREAMS_PER_PROTOCOL, MAX_WAYS, STEP } from './limits.ts'
import type { Link, Links } from './links.ts'
import type { EagerOption } from './muxer.ts'
import { toPeerStream } from './peer-stream.ts'
import type { Pulse } from './pulse.ts'
import { staggered } from './staggered.ts'

export interface OpenRequest {
  readonly peer: string
  readonly protocol: string
  readonly direct: boolean
  readonly connector: Connector
  readonly links: Links
  readonly gate: Gate
  readonly agreed: Agreed
  readonly pulse: Pulse
  readonly clock: Clock
  readonly me: string
}

/** What the peer has agreed to speak on each connection. The next stream of it does not wait for a yes: a no comes with the first read. */
export interface Agreed {
  of(connection: Connection): Set<string>
  add(connection: Connection, protocol: string): void
}

/**
 * Filled by streams that were opened, and by addresses that name a protocol. Not by identify: a first stream that does not wait cannot fall back to another path
 * before it fails, and after a short outage that was seen to take half a second longer.
 */
export function createAgreed(): Agreed {
  const all = new WeakMap<Connection, Set<string>>()
  const of = (connection: Connection) => all.get(connection) ?? (all.set(connection, new Set()).get(connection) as Set<string>)
  return {
    of,
    add(connection, protocol) {
      const known = of(connection)
      if (known.size < MAX_AGREED) known.add(protocol)
    },
  }
}

/** BAD_ARGUMENT, PEER_UNREACHABLE, UNKNOWN_PROTOCOL or ACCESS_DENIED (then or at the first read), PATH_LOST. */
export async function openStream(request: OpenRequest, signal: AbortSignal): Promise<PeerStream> {
  const { peer, protocol, connector, links, pulse, clock } = request
  if (peer === request.me) throw new MeshError('BAD_ARGUMENT', 'a stream to myself')
  if (!/^\/[\x21-\x7e]{1,120}$/.test(protocol)) throw new MeshError('BAD_ARGUMENT', `not a protocol id: ${protocol.slice(0, 130)}`)
  if (request.direct) {
    await connector.reach(peer, signal)
    await connector.upgrade(peer, signal)
  }
  // A path may die, or be silent, while it is being used: the next one is tried beside it before anything fails.
  const tried = new Set<Connection>()
  const next = async (own: AbortSignal): Promise<Link> => {
    const open = links.of(peer).filter(({ connection, path }) => !tried.has(connection) && !(request.direct && path.kind === 'relayed'))
    const sure = open.find(({ connection }) => !links.isDoubted(connection))
    // One that does not answer is the last resort: a new one is made first.
    const dial = () => (links.best(peer) ? connector.another : connector.reach)(peer, own)
    const link = sure ?? (request.direct ? open[0] : await dial().catch((error: unknown) => open[0] ?? Promise.reject(error)))
    if (!link) throw new MeshError('PEER_UNREACHABLE', 'no direct path is left')
    tried.add(link.connection)
    return link
  }
  const patience = () => Math.max(...(tried.size > 0 ? [...tried].map(pulse.patience) : [STEP]))
  const drop = (late: PeerStream) => late.abort(new MeshError('ABORTED', 'another path was first'))
  // Those that are open, and two that are made: the first of these may fail with a relay that was found dead by it.
  const most = Math.min(MAX_WAYS, links.of(peer).length + 2)
  const whole = { clock, signal, step: patience, most, onFailure: 'next', final: isAnswer, drop } as const
  return staggered<PeerStream>(whole, async (n, own) => {
    // Whoever let us wait is asked whether it is there at all.
    if (n > 0) for (const connection of tried) void pulse.check(connection)
    return openOn(await next(own), request, own)
  })
}

/** The peer itself said no: another path leads to the same no. */
function isAnswer(error: unknown): boolean {
  return ANSWERS.has(codeOf(error))
}

const ANSWERS: ReadonlySet<string> = new Set(['UNKNOWN_PROTOCOL', 'ACCESS_DENIED', 'LIMIT_REACHED', 'KEY_MISMATCH'])

async function openOn({ connection, path }: Link, request: OpenRequest, signal: AbortSignal): Promise<PeerStream> {
  const { peer, protocol, gate, agreed, pulse, clock } = request
  const known = agreed.of(connection)
  const options: NewStreamOptions & EagerOption = {
    signal,
    runOnLimitedConnection: true,
    maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL,
    eager: known.has(protocol) && clock.monotonic() - pulse.heardAt(connection) < EAGER_FRESH,
  }
  try {
    const stream = await connection.newStream(protocol, options)
    // The connection may end while its last step is awaited; libp2p gives the dead stream out all the same.
    if (stream.status === 'closed') throw new MeshError('PATH_LOST', 'the connection ended')
    agreed.add(connection, protocol)
    stream.addEventListener('close', ({ error }) => {
      if (codeOf(error) === 'UNKNOWN_PROTOCOL') known.delete(protocol)
    })
    if (options.eager) void watchEager(stream, pulse.expect(connection))
    return toPeerStream(stream, { peer, protocol, path: path.kind, explain: () => gate.askWhy(connection, protocol) })
  } catch (error) {
    throw await refusal(error, connection, protocol, gate)
  }
}

/** Nobody has said yes to this stream: on a path that says nothing at all its bytes are lost. */
async function watchEager(stream: Stream, answered: Promise<boolean>): Promise<void> {
  if (!(await answered) && stream.status === 'open') stream.abort(new MeshError('PATH_LOST', 'the path fell silent'))
}

async function refusal(error: unknown, connection: Connection, protocol: string, gate: Gate): Promise<MeshError> {
  const { name } = (error ?? {}) as { name?: string }
  if (name === 'UnsupportedProtocolError') return new MeshError('UNKNOWN_PROTOCOL', `the peer does not offer ${protocol}`, { cause: error })
  if (name === 'TooManyOutboundProtocolStreamsError')
    return new MeshError('LIMIT_REACHED', `more than ${MAX_STREAMS_PER_PROTOCOL} streams of ${protocol}`)
  const why = name === 'StreamResetError' ? await gate.askWhy(connection, protocol).catch(() => undefined) : undefined
  return why ?? toMeshError(error, connection.status === 'open' ? 'STREAM_RESET' : 'PATH_LOST')
}
