/** TCP as a libp2p transport for Node.js: @libp2p/tcp with the caps that a public port needs. Must never dial or listen on a Unix socket, which the library takes for TCP too. */
import { type CreateListenerOptions, type DialTransportOptions, type MultiaddrConnection, transportSymbol, type Upgrader } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { TCP } from '@multiformats/multiaddr-matcher'
import { ipOfAddress } from '../../core/address.ts'
import type { Transport } from '../../core/transport.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { prefixOf } from '../../shared/ip-prefix.ts'
import { createPlaces } from '../../shared/places.ts'
import { createRateLimiter } from '../../shared/rate-limit.ts'
import { BACKLOG, INACTIVITY, PENDING, SOCKETS } from './limits.ts'

export interface TcpOptions {
  readonly clock: Clock
  /** Multiaddrs to listen on, e.g. '/ip4/0.0.0.0/tcp/4001'. Default none: then it only dials. */
  readonly listen?: readonly string[]
}

type Components = Parameters<ReturnType<typeof tcp>>[0]

export function createTcp({ clock, listen = [] }: TcpOptions): Transport {
  const admit = createDoor(clock)
  return {
    name: 'tcp',
    listen,
    matches: (text) => TCP.exactMatch(multiaddr(text)),
    factory: (components: Components) => {
      const inner = tcp({
        backlog: BACKLOG,
        maxConnections: SOCKETS.active,
        inboundSocketInactivityTimeout: INACTIVITY,
        outboundSocketInactivityTimeout: INACTIVITY,
      })(components)
      const filter = (addresses: Multiaddr[]) => addresses.filter((address) => TCP.exactMatch(address))
      return {
        [transportSymbol]: true as const,
        [Symbol.toStringTag]: 'dmesh/tcp',
        listenFilter: filter,
        dialFilter: filter,
        dial: (address: Multiaddr, options: DialTransportOptions) => inner.dial(address, { ...options, upgrader: withPlainBytes(options.upgrader) }),
        createListener: (options: CreateListenerOptions) => inner.createListener({ ...options, upgrader: admit(options.upgrader) }),
      }
    },
  }
}

/** Counts who comes in before anything is read of them; the same numbers for all listeners. */
function createDoor(clock: Clock): (upgrader: Upgrader) => Upgrader {
  const pending = createPlaces<MultiaddrConnection>(PENDING)
  const sockets = createRateLimiter(clock, SOCKETS)
  return (upgrader) =>
    instead(upgrader, {
      async upgradeInbound(connection, options) {
        const prefix = prefixOf(ipOfAddress(connection.remoteAddr.toString()))
        const end = sockets.start(prefix)
        if (!end) throw new MeshError('LIMIT_REACHED', 'too many sockets of this network')
        connection.addEventListener('close', end)
        pending.enter(connection, prefix)?.abort(new MeshError('LIMIT_REACHED', 'others of this network came later'))
        plainBytes(connection)
        try {
          return await upgrader.upgradeInbound(connection, options)
        } finally {
          pending.leave(connection)
        }
      },
    })
}

function withPlainBytes(upgrader: Upgrader): Upgrader {
  return instead(upgrader, {
    upgradeOutbound: (connection, options) => upgrader.upgradeOutbound(plainBytes(connection), options),
  })
}

/** The same upgrader but for these methods. */
function instead(upgrader: Upgrader, methods: Partial<Upgrader>): Upgrader {
  return Object.assign(Object.create(upgrader) as Upgrader, methods)
}

/** Never a Buffer, whose slice() is no copy: whoever gives such a "copy" away would take the memory of the socket along. */
function plainBytes(connection: MultiaddrConnection): MultiaddrConnection {
  const inner = connection as MultiaddrConnection & { onData(bytes: Uint8Array): void }
  const onData = inner.onData.bind(connection)
  inner.onData = (bytes) => onData(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  return connection
}
