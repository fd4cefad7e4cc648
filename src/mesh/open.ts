/** Opens a stream to a peer over its best path and says in our codes why it could not. */
import type { Connection, NewStreamOptions } from '@libp2p/interface'
import type { PeerStream } from '../core/peer-stream.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import type { Connector } from './connector.ts'
import type { Gate } from './gate.ts'
import { MAX_AGREED, MAX_STREAMS_PER_PROTOCOL } from './limits.ts'
import type { Link, Links } from './links.ts'
import type { EagerOption } from './muxer.ts'
import { toPeerStream } from './peer-stream.ts'

export interface OpenRequest {
  readonly peer: string
  readonly protocol: string
  readonly direct: boolean
  readonly connector: Connector
  readonly links: Links
  readonly gate: Gate
  readonly agreed: Agreed
  readonly me: string
}

/** What the peer has agreed to speak on each connection. The next stream of it does not wait for a yes: a no comes with the first read. */
export type Agreed = WeakMap<Connection, Set<string>>

/** BAD_ARGUMENT, PEER_UNREACHABLE, UNKNOWN_PROTOCOL or ACCESS_DENIED (then or at the first read), PATH_LOST. */
export async function openStream(request: OpenRequest, signal: AbortSignal): Promise<PeerStream> {
  const { peer, protocol, connector } = request
  if (peer === request.me) throw new MeshError('BAD_ARGUMENT', 'a stream to myself')
  if (!/^\/[\x21-\x7e]{1,120}$/.test(protocol)) throw new MeshError('BAD_ARGUMENT', `not a protocol id: ${protocol.slice(0, 130)}`)
  await connector.reach(peer, signal)
  if (request.direct) await connector.upgrade(peer, signal)
  // A path may die while it is being used: fall back to the next before failing.
  let failure: unknown = new MeshError('PEER_UNREACHABLE', 'no path is left')
  for (const link of request.links.of(peer)) {
    try {
      return await openOn(link, request, signal)
    } catch (error) {
      failure = error
      if (link.connection.status === 'open' || signal.aborted) break
    }
  }
  throw failure
}

async function openOn({ connection, path }: Link, { peer, protocol, gate, agreed }: OpenRequest, signal: AbortSignal): Promise<PeerStream> {
  const known = agreed.get(connection) ?? new Set<string>()
  agreed.set(connection, known)
  const options: NewStreamOptions & EagerOption = {
    signal,
    runOnLimitedConnection: true,
    maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL,
    eager: known.has(protocol),
  }
  try {
    const stream = await connection.newStream(protocol, options)
    // The connection may end while its last step is awaited; libp2p gives the dead stream out all the same.
    if (stream.status === 'closed') throw new MeshError('PATH_LOST', 'the connection ended while the stream was opened')
    if (known.size < MAX_AGREED) known.add(protocol)
    stream.addEventListener('close', ({ error }) => {
      if (codeOf(error) === 'UNKNOWN_PROTOCOL') known.delete(protocol)
    })
    return toPeerStream(stream, { peer, protocol, path: path.kind, explain: () => gate.askWhy(connection, protocol) })
  } catch (error) {
    throw await refusal(error, connection, protocol, gate)
  }
}

async function refusal(error: unknown, connection: Connection, protocol: string, gate: Gate): Promise<MeshError> {
  const { name } = (error ?? {}) as { name?: string }
  if (name === 'UnsupportedProtocolError') return new MeshError('UNKNOWN_PROTOCOL', `the peer does not offer ${protocol}`, { cause: error })
  if (name === 'TooManyOutboundProtocolStreamsError')
    return new MeshError('LIMIT_REACHED', `more than ${MAX_STREAMS_PER_PROTOCOL} streams of ${protocol}`)
  const why = name === 'StreamResetError' ? await gate.askWhy(connection, protocol).catch(() => undefined) : undefined
  return why ?? toMeshError(error, connection.status === 'open' ? 'STREAM_RESET' : 'PATH_LOST')
}
