/** A transport whose code comes after the mesh is up: joining must not wait for what only a direct path needs. Until then it dials by loading first, and listens to nothing. */
import { type Libp2pEvents, type Transport as Libp2pTransport, type Startable, type TypedEventTarget, transportSymbol } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import type { Transport } from '../core/transport.ts'
import { singleFlight } from '../shared/async.ts'
import { codeOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

export interface LazyTransportOptions {
  readonly name: Transport['name']
  /** True when it could carry a dial to this multiaddr text; asked before the code is there. */
  readonly matches: (multiaddr: string) => boolean
  /** Fetches the real one, e.g. by import(). Tried again after a failure. */
  readonly load: () => Promise<Transport>
  readonly log: Log
}

interface Components {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly transportManager: TransportManager
}

/** Loads with the first connection, whichever it is: that is when the mesh is being joined and a direct path comes next. */
export function createLazyTransport({ name, matches, load, log }: LazyTransportOptions): Transport {
  return {
    name,
    listen: [],
    matches,
    factory: (components: Components) => {
      let inner: (Libp2pTransport & Partial<Startable>) | undefined
      let running = false
      const start = singleFlight(async () => {
        const real = await load()
        const made = (real.factory as (components: Components) => Libp2pTransport & Partial<Startable>)(components)
        if (running) await made.start?.()
        inner = made
        if (running && real.listen.length > 0) await components.transportManager.listen(real.listen.map((address) => multiaddr(address)))
        return made
      })
      const ready = async () => inner ?? start()
      const onFirst = () => void ready().catch((error: unknown) => log('mesh.transport.load.failed', { name, code: codeOf(error) }, 'warn'))
      return {
        [transportSymbol]: true as const,
        [Symbol.toStringTag]: `dmesh/lazy-${name}`,
        start() {
          running = true
          components.events.addEventListener('connection:open', onFirst, { once: true })
        },
        async stop() {
          running = false
          components.events.removeEventListener('connection:open', onFirst)
          await inner?.stop?.()
        },
        async dial(...args: Parameters<Libp2pTransport['dial']>) {
          return (await ready()).dial(...args)
        },
        createListener(...args: Parameters<Libp2pTransport['createListener']>) {
          if (!inner) throw new TypeError('nothing listens before the code is there')
          return inner.createListener(...args)
        },
        listenFilter: (...args: Parameters<Libp2pTransport['listenFilter']>) => inner?.listenFilter(...args) ?? [],
        dialFilter: (addresses: Parameters<Libp2pTransport['dialFilter']>[0]) =>
          inner?.dialFilter(addresses) ?? addresses.filter((address) => matches(address.toString())),
      }
    },
  }
}
