/** WebSocket listener for Node.js that shares the port of an HTTP server it is given. It never listens itself: whoever owns the server hands it upgrade requests. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ComponentLogger, CreateListenerOptions, Listener, ListenerEvents } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { WebSocket, WebSocketServer } from 'ws'
import { prefixOf } from '../../shared/ip-prefix.ts'
import { lookup } from '../../shared/local-names.node.ts'
import { createPlaces } from '../../shared/places.ts'
import { createConnection, type PausableSocket, type SocketLike } from './connection.ts'
import { MAX_MESSAGE, PENDING } from './limits.ts'

export interface WebSocketDoor {
  /** Take over an HTTP upgrade. `remote` is the client as the front sees it (after --trust-proxy). The socket is owned from here on. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, remote: { readonly address: string; readonly port: number }): void
  /** For `createWebSocket({ createListener })`. */
  createListener(options: CreateListenerOptions, logger: ComponentLogger): Listener
  /** Sockets open now. */
  size(): number
  /** Of these, sockets whose peers proved nothing yet. */
  pending(): number
}

/** `addresses` gives the multiaddrs under which the HTTP server can be reached, asked whenever libp2p wants to know. */
export function createWebSocketDoor(addresses: () => readonly string[]): WebSocketDoor {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false })
  const pending = createPlaces<WebSocket>(PENDING)
  let active: ((socket: WebSocket, remote: Multiaddr) => Promise<void>) | undefined

  return {
    size: () => server.clients.size,
    pending: pending.size,
    accept(request, socket, head, remote) {
      if (!active) {
        socket.destroy()
        return
      }
      const accept = active
      server.handleUpgrade(request, socket, head, (client) => {
        pending.enter(client, prefixOf(remote.address))?.terminate()
        void accept(client, remoteAddress(remote)).finally(() => pending.leave(client))
      })
    },
    createListener({ upgrader }, logger) {
      const log = logger.forComponent('dmesh:websocket:listener')
      const events = new TypedEventEmitter<ListenerEvents>()
      const stopped = new AbortController()
      return Object.assign(events, {
        async listen() {
          active = (socket, remoteAddr) => {
            const connection = createConnection({ socket: asSocket(socket), remoteAddr, direction: 'inbound', log })
            return upgrader.upgradeInbound(connection, { signal: stopped.signal }).catch((error: Error) => connection.abort(error))
          }
          queueMicrotask(() => events.safeDispatchEvent('listening'))
        },
        getAddrs: () => addresses().map((text) => multiaddr(text)),
        updateAnnounceAddrs: () => undefined,
        async close() {
          active = undefined
          stopped.abort()
          for (const client of server.clients) client.terminate()
          events.safeDispatchEvent('close')
        },
      }) as Listener
    },
  }
}

/** Dialer for Node.js: the `ws` package masks frames natively, undici's WebSocket does not (measured 10 times slower). */
export function openNodeSocket(url: string): SocketLike & PausableSocket & { readonly readyState: number } {
  return asSocket(new WebSocket(url, { maxPayload: MAX_MESSAGE, perMessageDeflate: false, lookup }))
}

function asSocket(socket: WebSocket): SocketLike & PausableSocket & { readonly readyState: number } {
  return socket as SocketLike & PausableSocket & { readonly readyState: number }
}

function remoteAddress({ address, port }: { address: string; port: number }): Multiaddr {
  // A multiaddr's IPv6 address has no zone, which link-local ones come with.
  const plain = (address.startsWith('::ffff:') ? address.slice(7) : address).replace(/%.*$/, '')
  return multiaddr(`/${plain.includes(':') ? 'ip6' : 'ip4'}/${plain}/tcp/${port}/ws`)
}
