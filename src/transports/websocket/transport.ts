/** WebSocket as a libp2p transport: dials everywhere; listens where a listener is given (Node.js). Same wire as @libp2p/websockets; own because that one cannot share a port with an HTTP server and masks frames slowly in Node.js. */
import { type ComponentLogger, type CreateListenerOptions, type DialTransportOptions, type Listener, transportSymbol } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { WebSockets, WebSocketsSecure } from '@multiformats/multiaddr-matcher'
import type { Transport } from '../../core/transport.ts'
import { MeshError } from '../../shared/errors.ts'
import { createConnection, type PausableSocket, type SocketLike } from './connection.ts'
import { DIAL_TIMEOUT } from './limits.ts'

export interface WebSocketOptions {
  /** Opens a socket to a ws:// or wss:// URL; it may still be connecting. */
  readonly open: (url: string) => SocketLike & PausableSocket & { readonly readyState: number }
  /** Makes the listener; absent in browsers. */
  readonly createListener?: (options: CreateListenerOptions, logger: ComponentLogger) => Listener
  /** Multiaddrs to listen on, e.g. '/ip4/127.0.0.1/tcp/0/ws'. */
  readonly listen?: readonly string[]
}

export function createWebSocket(options: WebSocketOptions): Transport {
  return {
    name: 'websocket',
    listen: options.listen ?? [],
    matches: (text) => isWebSocket(multiaddr(text)),
    factory: ({ logger }: { logger: ComponentLogger }) => createLibp2pTransport(options, logger),
  }
}

/** ws:// or wss:// URL of a `/…/tcp/PORT/ws` multiaddr. BAD_ARGUMENT for anything else. */
export function toWebSocketUrl(address: Multiaddr): string {
  const parts = address.getComponents()
  const host = parts.find(({ name }) => name === 'ip4' || name === 'ip6' || name.startsWith('dns'))
  const port = parts.find(({ name }) => name === 'tcp')?.value
  if (!host?.value || !port) throw new MeshError('BAD_ARGUMENT', `no host or port in ${address}`)
  const secure = parts.some(({ name }) => name === 'tls' || name === 'wss')
  return `${secure ? 'wss' : 'ws'}://${host.name === 'ip6' ? `[${host.value}]` : host.value}:${port}/`
}

function isWebSocket(address: Multiaddr): boolean {
  return WebSockets.exactMatch(address) || WebSocketsSecure.exactMatch(address)
}

function createLibp2pTransport(options: WebSocketOptions, logger: ComponentLogger) {
  const log = logger.forComponent('dmesh:websocket')
  const filter = (addresses: Multiaddr[]) => addresses.filter(isWebSocket)
  return {
    [transportSymbol]: true as const,
    [Symbol.toStringTag]: 'dmesh/websocket',
    listenFilter: options.createListener ? filter : () => [],
    dialFilter: filter,
    createListener(init: CreateListenerOptions): Listener {
      if (!options.createListener) throw new MeshError('NOT_SUPPORTED', 'browsers cannot listen on WebSocket')
      return options.createListener(init, logger)
    },
    async dial(address: Multiaddr, init: DialTransportOptions) {
      const signal = AbortSignal.any([init.signal, AbortSignal.timeout(DIAL_TIMEOUT)])
      const socket = options.open(toWebSocketUrl(address))
      const connection = createConnection({ socket, remoteAddr: address, direction: 'outbound', log })
      try {
        await opened(socket, signal)
        return await init.upgrader.upgradeOutbound(connection, { ...init, signal: init.signal })
      } catch (error) {
        connection.abort(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    },
  }
}

const OPEN = 1 // WebSocket.OPEN, WHATWG

function opened(socket: SocketLike & { readonly readyState: number }, signal: AbortSignal): Promise<void> {
  if (socket.readyState === OPEN) return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.addEventListener('open', () => resolve())
  socket.addEventListener('error', () => reject(new MeshError('RELAY_UNREACHABLE', 'the WebSocket could not be opened')))
  socket.addEventListener('close', () => reject(new MeshError('RELAY_UNREACHABLE', 'the WebSocket closed before it opened')))
  const onAbort = () => reject(new MeshError('TIMEOUT', `no WebSocket in ${DIAL_TIMEOUT} ms`))
  signal.addEventListener('abort', onAbort, { once: true })
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}
