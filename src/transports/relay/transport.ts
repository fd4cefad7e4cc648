/** The relay transport of a peer: one libp2p transport that dials and accepts circuits (circuit-relay-v2) and holds the reservations that the mesh's keeper asks for. Must never fail because a relay is away. See README.md for why it is not the stock client. */
import {
  type Transport as Libp2pTransport,
  type Listener,
  type ListenerEvents,
  serviceCapabilities,
  TypedEventEmitter,
  transportSymbol,
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import type { RelayClient, Transport } from '../../core/transport.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { type Log, silentLog } from '../../shared/log.ts'
import { FOREIGN } from '../../wire/ids.ts'
import { newestDirect, type RelayClientComponents } from './components.ts'
import { dialCircuit } from './dial.ts'
import { MAX_HOP_STREAMS, MAX_RELAYS } from './limits.ts'
import { type Reservation, reserve } from './reserve.ts'
import { createStopHandler } from './stop.ts'

type Libp2pRelay = Libp2pTransport & { start(): Promise<void>; stop(): Promise<void> }

/** `reserve()` also says LIMIT_REACHED above MAX_RELAYS, UNKNOWN_PROTOCOL when that peer is no relay, and CLOSED before libp2p runs. A reservation ends by itself with its connection. */
export interface RelayTransport extends Transport, RelayClient {
  readonly name: 'relay'
  readonly factory: (components: RelayClientComponents) => Libp2pRelay
  /** Those that count now. */
  reservations(): readonly Reservation[]
}

export interface RelayTransportOptions {
  readonly clock?: Clock
  readonly log?: Log
}

/** One per libp2p instance. Pass `factory` as a libp2p transport and `listen` among its listen addresses. */
export function createRelayTransport({ clock = systemClock(), log = silentLog() }: RelayTransportOptions = {}): RelayTransport {
  const held = createHeld(clock)
  let running: { readonly components: RelayClientComponents; readonly stopping: AbortSignal } | undefined

  return {
    name: 'relay',
    listen: ['/p2p-circuit'],
    matches: (text) => text.includes('/p2p-circuit') && !text.includes('/webrtc'),
    reservations: () => [...held.table.values()],
    async reserve(relay, signal) {
      if (!running) throw new MeshError('CLOSED', 'libp2p does not run')
      if (!held.table.has(relay) && held.table.size >= MAX_RELAYS)
        throw new MeshError('LIMIT_REACHED', `${MAX_RELAYS} relays hold a place for us already`)
      const { components, stopping } = running
      const connection = newestDirect(components, relay)
      if (!connection) throw new MeshError('RELAY_UNREACHABLE', 'no direct connection to the relay')
      const reservation = await reserve(connection, clock, AbortSignal.any([signal, stopping]))
      if (connection.status !== 'open') throw new MeshError('RELAY_UNREACHABLE', 'the relay went away')
      held.hold(reservation, components)
      connection.addEventListener('close', () => held.drop(reservation), { once: true })
      return { until: reservation.expires }
    },
    release(relay) {
      const reservation = held.table.get(relay)
      if (reservation) held.drop(reservation)
    },
    factory: (components) =>
      createClient(components, held, { clock, log }, (stopping) => {
        running = stopping && { components, stopping }
      }),
  }
}

type Held = ReturnType<typeof createHeld>

/** Reservations by relay, and the listeners that show their addresses to libp2p. */
function createHeld(clock: Clock) {
  const table = new Map<string, Reservation>()
  const owners = new WeakMap<Reservation, RelayClientComponents['addressManager']>()
  const listeners = new Set<TypedEventEmitter<ListenerEvents>>()
  const changed = () => {
    for (const listener of listeners) listener.safeDispatchEvent('listening')
  }
  const forget = (reservation: Reservation) => {
    for (const address of reservation.addresses) owners.get(reservation)?.removeObservedAddr(address)
  }
  return {
    table,
    listeners,
    /** Replaces an older one of the same relay. */
    hold(reservation: Reservation, { addressManager }: RelayClientComponents) {
      const old = table.get(reservation.relay)
      if (old) forget(old)
      table.set(reservation.relay, reservation)
      owners.set(reservation, addressManager)
      for (const address of reservation.addresses)
        addressManager.confirmObservedAddr(address, { type: 'transport', ttl: reservation.expires - clock.now() })
      changed()
    },
    /** Nothing when a newer one took its place. */
    drop(reservation: Reservation) {
      if (table.get(reservation.relay) !== reservation) return
      table.delete(reservation.relay)
      forget(reservation)
      changed()
    },
  }
}

function createClient(
  components: RelayClientComponents,
  held: Held,
  { clock, log }: { clock: Clock; log: Log },
  onRun: (stopping: AbortSignal | undefined) => void,
): Libp2pRelay {
  let stopping = new AbortController()
  return {
    [transportSymbol]: true,
    // the name that @libp2p/webrtc asks for
    [Symbol.toStringTag]: '@libp2p/circuit-relay-v2-transport',
    ...{ [serviceCapabilities]: ['@libp2p/transport', '@libp2p/circuit-relay-v2-transport'] },
    async start() {
      stopping = new AbortController()
      const isReserved = (relay: string) => held.table.has(relay)
      const onStop = createStopHandler({ components, clock, log, isReserved, stopping: stopping.signal })
      await components.registrar.handle(FOREIGN.stop, onStop, {
        maxInboundStreams: MAX_HOP_STREAMS,
        maxOutboundStreams: MAX_HOP_STREAMS,
        runOnLimitedConnection: false,
      })
      onRun(stopping.signal)
    },
    async stop() {
      onRun(undefined)
      stopping.abort(new MeshError('CLOSED', 'libp2p stops'))
      await components.registrar.unhandle(FOREIGN.stop)
    },
    dial: (address, options) => dialCircuit(components, clock, address, options),
    dialFilter: (addresses) => addresses.filter((address) => Circuit.exactMatch(address)),
    listenFilter: (addresses) => addresses.filter((address) => address.toString() === '/p2p-circuit'),
    createListener: () => createListener(held),
  }
}

/** Its addresses come and go with reservations; listening itself cannot fail. */
function createListener(held: Held): Listener {
  const events = new TypedEventEmitter<ListenerEvents>()
  return Object.assign(events, {
    async listen() {
      held.listeners.add(events)
    },
    getAddrs: (): Multiaddr[] => [...held.table.values()].flatMap(({ addresses }) => addresses),
    updateAnnounceAddrs: () => undefined,
    async close() {
      held.listeners.delete(events)
      queueMicrotask(() => events.safeDispatchEvent('close'))
    },
  })
}
