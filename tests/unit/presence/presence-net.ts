/** A presence relay and its peers joined by streams in memory: hosts as the mesh room lends them, with nothing faked below the protocol. */
import type { Identity } from '../../../src/core/identity.ts'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import type { PresenceMesh, PresenceShown } from '../../../src/core/presence-mesh.ts'
import type { PresenceService, Protocol, ProtocolHost } from '../../../src/core/protocol.ts'
import { createPresence, type PresenceOptions } from '../../../src/discovery/registry/client.ts'
import { createPresenceServer, type PresenceServerOptions } from '../../../src/discovery/registry/server.ts'
import { createEphemeralIdentity } from '../../../src/identity/ephemeral.ts'
import { createBus } from '../../../src/shared/bus.ts'
import { type Clock, systemClock } from '../../../src/shared/clock.ts'
import { codeOf, MeshError, toMeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createStreamPair, type StreamPair } from '../../support/stream-pair.ts'

export interface RelaySide {
  readonly identity: Identity
  readonly service: PresenceService
  /** Streams the relay disconnected, with the reason. */
  readonly disconnected: { readonly stream: PeerStream; readonly reason: MeshError }[]
  /** A new stream from `peer` to the relay, served. */
  connect(peer: string, options?: { highWaterMark?: number; address?: string }): StreamPair
  /** Every stream dies. */
  cutAll(): void
  /** No more streams until false again. */
  down: boolean
  stop(): void
}

export async function startRelay(options: PresenceServerOptions = {}, clock: Clock = systemClock()): Promise<RelaySide> {
  const identity = await createEphemeralIdentity()
  const stop = new AbortController()
  const pairs = new Map<PeerStream, StreamPair>()
  const addresses = new Map<PeerStream, string | undefined>()
  const disconnected: RelaySide['disconnected'] = []
  const host = hostOf(identity, clock, {
    disconnect(stream, reason) {
      disconnected.push({ stream, reason: toMeshError(reason) })
      pairs.get(stream)?.cut()
    },
    remoteAddress: (stream) => addresses.get(stream),
  })
  const { service, serve } = createPresenceServer(options).start(host, stop.signal)
  return {
    identity,
    service,
    disconnected,
    down: false,
    connect(peer, { highWaterMark, address } = {}) {
      const pair = createStreamPair({ highWaterMark, peers: [peer, identity.peer] })
      pairs.set(pair.b, pair)
      addresses.set(pair.b, address)
      serve(pair.b).catch((error: unknown) => pair.b.abort(error))
      return pair
    },
    cutAll() {
      for (const pair of pairs.values()) pair.cut()
    },
    stop: () => stop.abort(),
  }
}

export interface PeerSide {
  readonly identity: Identity
  readonly service: PresenceService
  /** Every stream it opened. */
  readonly streams: StreamPair[]
  stop(): void
}

export async function startPeer(
  relays: readonly RelaySide[],
  options: Partial<PresenceOptions> & { identity?: Identity; clock?: Clock; address?: string } = {},
): Promise<PeerSide> {
  const { identity = await createEphemeralIdentity(), clock = systemClock(), address, ...rest } = options
  const stop = new AbortController()
  const streams: StreamPair[] = []
  const host = hostOf(identity, clock, {
    async open(peer) {
      const relay = relays.find((one) => one.identity.peer === peer)
      if (!relay || relay.down) throw new MeshError('PEER_UNREACHABLE', 'no such relay now')
      const pair = relay.connect(identity.peer, { address })
      streams.push(pair)
      return pair.a
    },
  })
  const protocol: Protocol<PresenceService> = createPresence({ name: 'somebody', kind: 'browser', random: () => 0, ...rest })
  const { service } = protocol.start(host, stop.signal)
  return { identity, service, streams, stop: () => stop.abort() }
}

function hostOf(identity: Identity, clock: Clock, part: Partial<ProtocolHost>): ProtocolHost {
  const refuse = () => Promise.reject(new MeshError('PEER_UNREACHABLE', 'not in this test'))
  return {
    identity,
    clock,
    log: silentLog(),
    bus: createBus(),
    open: refuse,
    peers: () => [],
    disconnect: () => undefined,
    remoteAddress: () => undefined,
    keep: () => undefined,
    ...part,
  }
}

/** Names of those here, sorted, as `peer` sees them. */
export function here({ service }: { readonly service: PresenceService }): string[] {
  return service
    .entries()
    .filter((entry) => entry.here)
    .map(({ name }) => name)
    .sort()
}

/** Sides that are stopped together after a test. */
export function createSides() {
  const running: { stop(): void }[] = []
  const kept = <T extends { stop(): void }>(side: T): T => {
    running.push(side)
    return side
  }
  return {
    relaySide: async (...args: Parameters<typeof startRelay>) => kept(await startRelay(...args)),
    peerSide: async (...args: Parameters<typeof startPeer>) => kept(await startPeer(...args)),
    stopAll: () => {
      for (const side of running.splice(0)) side.stop()
    },
  }
}

/** Join and go on; `outcome` says how it ended. */
/** A private mesh that seals nothing and counts everybody as a member. */
export function openMesh(id: string): PresenceMesh {
  const shown = new Map<string, PresenceShown>()
  return {
    id,
    async seal(one) {
      const box = `box${shown.size}`
      shown.set(box, one)
      return { epoch: 1, box }
    },
    open: async (_, { box }) => shown.get(box),
    isMember: () => true,
  }
}

export function join(peer: PeerSide, relay: RelaySide, mesh?: PresenceMesh) {
  const own = new AbortController()
  const state: { outcome?: string; leave(): void } = { leave: () => own.abort() }
  peer.service.join(relay.identity.peer, own.signal, mesh).then(
    () => (state.outcome = 'left'),
    (error: unknown) => (state.outcome = codeOf(error)),
  )
  return state
}
