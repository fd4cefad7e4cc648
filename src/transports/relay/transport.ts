/** The relay transport of a peer: one libp2p transport that dials and accepts circuits (circuit-relay-v2) and keeps reservations. Must never fail because a relay is away. See README.md for why it is not the stock client. */
import { type Listener, type ListenerEvents, serviceCapabilities, type Transport as Libp2pTransport, TypedEventEmitter, transportSymbol } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import type { Transport } from '../../core/transport.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { type Log, silentLog } from '../../shared/log.ts'
import { FOREIGN } from '../../wire/ids.ts'
import type { RelayClientComponents } from './components.ts'
import { dialCircuit } from './dial.ts'
import { type KeepOptions, keepReservation } from './keeper.ts'
import { MAX_HOP_STREAMS, MAX_RELAYS } from './limits.ts'
import type { Reservation } from './reserve.ts'
import { createStopHandler } from './stop.ts'

export type RelayClient = Libp2pTransport & { start(): Promise<void>; stop(): Promise<void> }

export interface RelayTransport extends Transport {
  readonly name: 'relay'
  readonly factory: (components: RelayClientComponents) => RelayClient
  /** Keep a reservation on the relay at `addresses` (multiaddr texts of one relay, best with `/p2p/RELAY`). Resolves when the signal fires or libp2p stops. CLOSED before libp2p runs, LIMIT_REACHED above MAX_RELAYS, BAD_ARGUMENT. */
  keep(addresses: readonly string[], options: KeepOptions): Promise<void>
  /** Those that count now. */
  reservations(): readonly Reservation[]
  /** Every waiting keeper tries at once: call when the network came back or the page woke up. */
  wake(): void
}

export interface RelayTransportOptions {
  readonly clock?: Clock
  readonly log?: Log
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number
}

/** One per libp2p instance. Pass `factory` as a libp2p transport and `listen` among its listen addresses. */
export function createRelayTransport({ clock = systemClock(), log = silentLog(), random = Math.random }: RelayTransportOptions = {}): RelayTransport {
  const held = createHeld()
  let running: { readonly components: RelayClientComponents; readonly stopping: AbortSignal } | undefined
  let keepers = 0
  const sleepers = new Set<() => void>()
  const onWake = (retry: () => void) => {
    sleepers.add(retry)
    return () => void sleepers.delete(retry)
  }

  return {
    name: 'relay',
    listen: ['/p2p-circuit'],
    matches: (text) => text.includes('/p2p-circuit') && !text.includes('/webrtc'),
    reservations: () => [...held.all()],
    wake() {
      for (const retry of [...sleepers]) retry()
    },
    async keep(addresses, options) {
      if (!running) throw new MeshError('CLOSED', 'libp2p does not run')
      if (keepers >= MAX_RELAYS) throw new MeshError('LIMIT_REACHED', `${MAX_RELAYS} relays are kept already`)
      keepers++
      const { components, stopping } = running
      const signal = AbortSignal.any([options.signal, stopping])
      const announce = held.announceTo(components, clock)
      try {
        await keepReservation({ components, clock, random, hold: announce.hold, drop: announce.drop, onWake }, addresses, { ...options, signal })
      } finally {
        keepers--
      }
    },
    factory: (components) =>
      createClient(components, held, { clock, log }, (stopping) => {
        running = stopping && { components, stopping }
      }),
  }
}

type Held = ReturnType<typeof createHeld>

/** Reservations by relay, and the listeners that show their addresses to libp2p. */
function createHeld() {
  const table = new Map<string, Reservation>()
  const listeners = new Set<TypedEventEmitter<ListenerEvents>>()
  const changed = () => {
    for (const listener of listeners) listener.safeDispatchEvent('listening')
  }
  return {
    table,
    listeners,
    all: () => table.values(),
    announceTo: ({ addressManager }: RelayClientComponents, clock: Clock) => {
      const drop = (reservation: Reservation) => {
        if (table.get(reservation.relay) !== reservation) return
        table.delete(reservation.relay)
        for (const address of reservation.addresses) addressManager.removeObservedAddr(address)
        changed()
      }
      const hold = (reservation: Reservation) => {
        const old = table.get(reservation.relay)
        table.set(reservation.relay, reservation)
        for (const address of old?.addresses ?? []) addressManager.removeObservedAddr(address)
        for (const address of reservation.addresses) addressManager.confirmObservedAddr(address, { type: 'transport', ttl: reservation.expires - clock.now() })
        changed()
      }
      return { hold, drop }
    },
  }
}

function createClient(components: RelayClientComponents, held: Held, { clock, log }: { clock: Clock; log: Log }, onRun: (stopping: AbortSignal | undefined) => void): RelayClient {
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
      await components.registrar.handle(FOREIGN.stop, onStop, { maxInboundStreams: MAX_HOP_STREAMS, maxOutboundStreams: MAX_HOP_STREAMS, runOnLimitedConnection: false })
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
    getAddrs: (): Multiaddr[] => [...held.all()].flatMap(({ addresses }) => addresses),
    updateAnnounceAddrs: () => undefined,
    async close() {
      held.listeners.delete(events)
      queueMicrotask(() => events.safeDispatchEvent('close'))
    },
  })
}
