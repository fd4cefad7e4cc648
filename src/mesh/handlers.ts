/** Registers protocol plugins and the user's own handlers at the gate, each with a policy row. The handler owns its stream; when it throws, the stream is reset and the opener can learn the code. */
import type { Connection, Stream } from '@libp2p/interface'
import type { PolicyRow } from '../core/access.ts'
import { ipOfAddress } from '../core/address.ts'
import type { HandleOptions, Mesh } from '../core/mesh.ts'
import type { PeerStream } from '../core/peer-stream.ts'
import type { Protocol, ProtocolHost } from '../core/protocol.ts'
import { codeOf, MeshError, toMeshError } from '../shared/errors.ts'
import { type Log, levelOf } from '../shared/log.ts'
import type { Gate } from './gate.ts'
import type { Links } from './links.ts'
import { toPeerStream } from './peer-stream.ts'

export interface HandlersParts {
  readonly gate: Gate
  readonly links: Links
  readonly log: Log
}

export interface Handlers {
  start<S>(protocol: Protocol<S>, host: ProtocolHost, signal: AbortSignal): Promise<ReturnType<Protocol<S>['start']>>
  handle: Mesh['handle']
  disconnect: ProtocolHost['disconnect']
  remoteAddress: ProtocolHost['remoteAddress']
  keep: ProtocolHost['keep']
}

export function createHandlers({ gate, links, log }: HandlersParts): Handlers {
  const connections = new WeakMap<PeerStream, Connection>()
  const serveWith =
    (protocol: string, serve: (stream: PeerStream, uncount?: () => void) => void | Promise<void>) =>
    async (raw: Stream, connection: Connection, uncount?: () => void) => {
      const peer = connection.remotePeer.toString()
      const path = links.of(peer).find((link) => link.connection === connection)?.path.kind ?? 'relayed'
      const stream = toPeerStream(raw, { peer, protocol, path })
      connections.set(stream, connection)
      try {
        await serve(stream, uncount)
      } catch (error) {
        log('mesh.handler.threw', { protocol, peer, code: codeOf(error) }, levelOf(error))
        throw error // the gate resets the stream and remembers why
      }
    }
  return {
    async start(protocol, host, signal) {
      const running = protocol.start(host, signal)
      for (const id of protocol.ids) await gate.handle(id, protocol.may, serveWith(id, running.serve), protocol.row, running.more)
      return running
    },
    async handle(protocol, serve, { signal, allow = 'mesh' } = {}) {
      if (!/^\/[\x21-\x7e]{1,120}$/.test(protocol)) throw new MeshError('BAD_ARGUMENT', `not a protocol id: ${protocol.slice(0, 130)}`)
      if (signal?.aborted) return
      const remove = await gate.handle(protocol, 'stream.open', serveWith(protocol, serve), rowOf(protocol, allow))
      signal?.addEventListener('abort', () => void remove().catch(() => undefined), { once: true })
    },
    disconnect(stream, reason) {
      connections.get(stream)?.abort(toMeshError(reason))
    },
    keep(stream) {
      const connection = connections.get(stream)
      if (!connection) return
      const release = links.hold(connection)
      stream.closed.then(release, release)
    },
    remoteAddress: (stream) => ipOfAddress(connections.get(stream)?.remoteAddr.toString() ?? ''),
  }
}

/** The row that says who may open a handler of the user's own; none for 'nobody'. */
function rowOf(protocol: string, allow: NonNullable<HandleOptions['allow']>): PolicyRow | undefined {
  if (allow === 'nobody') return undefined
  const members = ['own', 'member']
  const who = allow === 'members' ? members : allow === 'mesh' ? [...members, 'lobby'] : allow.map((peer) => `peer:${peer}`)
  return { id: `handler:${protocol}`, who, may: ['stream.open'], to: [protocol], label: `Open ${protocol}` }
}
