/** What --kad does: this relay and those that it names tell each other who is in their lobbies, over the mesh's own DHT. Must tell nothing of private meshes, and asks nobody unless it was told whom. */
import { ipOfAddress } from '../src/core/address.ts'
import { backoff } from '../src/core/backoff.ts'
import type { Identity } from '../src/core/identity.ts'
import type { Protocol } from '../src/core/protocol.ts'
import type { RelaySource } from '../src/core/transport.ts'
import { isPeer } from '../src/discovery/kad/entry.ts'
import { GATHER, PUBLISH_EVERY, REFRESH_EVERY, RETRY } from '../src/discovery/kad/limits.ts'
import { createKad, type KadService } from '../src/discovery/kad/server.ts'
import { createRecordCheck } from '../src/discovery/registry/record-check.ts'
import type { MeshHost, MeshParts } from '../src/mesh/parts.ts'
import { sleep, withDeadline } from '../src/shared/async.ts'
import type { Clock } from '../src/shared/clock.ts'
import { codeOf, MeshError } from '../src/shared/errors.ts'
import type { Log } from '../src/shared/log.ts'
import type { RelayConfig } from './config/config.ts'
import { isPrivate } from './front/hosts.ts'
import { SITE_MS } from './limits.ts'
import { terminalRelaySource } from './peer/relay-origin.ts'

export interface RelayKadParts {
  readonly config: Pick<RelayConfig, 'kad' | 'publicUrl'>
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
}

export interface RelayKad {
  /** Empty when it is off. */
  readonly protocols: readonly Protocol[]
  /** Who is in the lobby: its presence record, undefined when it left. */
  told(peer: string, record: string | undefined): void
  /** For createMesh. A relay waits to be dialled, so it only says where. */
  find: NonNullable<MeshParts['protocols']['find']>
  /** Runs until `stack` closes. */
  start(mesh: MeshHost, stack: AsyncDisposableStack): void
  numbers(): ReturnType<KadService['numbers']>
}

export function createRelayKad(parts: RelayKadParts): RelayKad {
  const { kad, publicUrl } = parts.config
  const records = new Map<string, string>()
  const fresh = new Map<string, string>()
  let mesh: MeshHost | undefined
  let service: KadService | undefined
  let wake = () => {}
  const ground = () => {
    if (!mesh) throw new MeshError('CLOSED', 'the mesh does not stand yet')
    const { connect, why } = mesh
    return {
      connect,
      isConnected: async (peer: string) => (await why(peer)).path !== 'away',
      // Whoever is reached from the internet must not be made to knock at doors of its own network.
      mayDial: (address: string) => publicUrl === undefined || !isPrivate(ipOfAddress(address) ?? ''),
    }
  }
  const protocol = createKad({ checkRecord: createRecordCheck(parts.identity.verify), ground })
  const start: Protocol<KadService>['start'] = (host, signal) => {
    const running = protocol.start(host, signal)
    service = running.service
    return running
  }
  return {
    protocols: kad === 'off' ? [] : [{ ...protocol, start }],
    told(peer, record) {
      if (record === undefined) records.delete(peer)
      else {
        if (!records.has(peer)) fresh.set(peer, record)
        records.set(peer, record)
        wake()
      }
    },
    find:
      () =>
      async (peer, { signal = new AbortController().signal, connect = false } = {}) => {
        if (!isPeer(peer)) throw new MeshError('BAD_ARGUMENT', `no PeerID: ${peer.slice(0, 90)}`)
        if (connect || kad === 'off' || !service)
          throw new MeshError('NOT_SUPPORTED', connect ? 'a relay waits to be dialled' : 'this relay was started with --kad off')
        return service.find(peer, signal)
      },
    start(host, stack) {
      mesh = host
      if (kad === 'off' || !service) return
      const stop = new AbortController()
      stack.defer(async () => stop.abort(new MeshError('CLOSED', 'the relay stops')))
      const lobby = { service, records, fresh, addresses: () => announced(host), onFresh: (listen: () => void) => (wake = listen) }
      void publishForever(parts, lobby, stop.signal)
      const sources = kad.map((origin) => terminalRelaySource(origin))
      void refreshForever(parts, lobby, sources, stop.signal)
    },
    numbers: () => service?.numbers() ?? { relays: 0, entries: 0 },
  }
}

/** Where others reach this relay. */
function announced(mesh: MeshHost): readonly string[] {
  return mesh.addresses().filter((address) => !address.includes('/p2p-circuit'))
}

interface Lobby {
  readonly service: KadService
  readonly records: ReadonlyMap<string, string>
  /** Came since the last time. */
  readonly fresh: Map<string, string>
  addresses(): readonly string[]
  onFresh(listen: () => void): void
}

/** Newcomers soon, everybody again before entries run out. */
async function publishForever({ clock, log }: RelayKadParts, lobby: Lobby, signal: AbortSignal): Promise<void> {
  let all = clock.monotonic() + PUBLISH_EVERY
  while (!signal.aborted) {
    const due = Promise.withResolvers<void>()
    lobby.onFresh(due.resolve)
    if (lobby.fresh.size > 0) due.resolve()
    const cancel = clock.after(Math.max(0, all - clock.monotonic()), due.resolve)
    const leave = () => due.resolve()
    signal.addEventListener('abort', leave, { once: true })
    await due.promise
    cancel()
    signal.removeEventListener('abort', leave)
    await sleep(clock, GATHER, signal).catch(() => undefined)
    const whole = clock.monotonic() >= all
    if (whole) all = clock.monotonic() + PUBLISH_EVERY
    const batch = new Map(whole ? lobby.records : lobby.fresh)
    lobby.fresh.clear()
    for (const peer of batch.keys()) if (!lobby.records.has(peer)) batch.delete(peer)
    if (signal.aborted || batch.size === 0) continue
    await lobby.service.publish(batch, lobby.addresses(), signal).catch((error: unknown) => {
      if (!signal.aborted) log('kad.publish.failed', { code: codeOf(error) }, 'warn')
    })
  }
}

/** Finds the named relays again and again, as they are now, and others through them. A relay that is down is normal. */
async function refreshForever({ clock, log }: RelayKadParts, lobby: Lobby, sources: readonly RelaySource[], signal: AbortSignal): Promise<void> {
  const down = new Map<RelaySource, string>()
  let known = 0
  for (let failures = 0; !signal.aborted; ) {
    for (const source of sources) {
      try {
        const site = await withDeadline(clock, SITE_MS, `dmesh.json of ${source.origin}`, signal, source.resolve)
        await lobby.service.know({ id: site.peer, addresses: site.addresses })
        down.delete(source)
      } catch (error) {
        const code = codeOf(error)
        if (!signal.aborted && down.get(source) !== code) log('kad.relay.unreachable', { origin: source.origin, code }, 'warn')
        down.set(source, code)
      }
    }
    try {
      const now = sources.length > 0 ? await lobby.service.announce(lobby.addresses(), signal) : lobby.service.numbers().relays
      if (now > known) {
        log('kad.relays', { known: now })
        await lobby.service.publish(lobby.records, lobby.addresses(), signal)
      }
      known = now
    } catch (error) {
      if (!signal.aborted) log('kad.announce.failed', { code: codeOf(error) }, 'warn')
    }
    failures = down.size > 0 ? failures + 1 : 0
    await sleep(clock, failures > 0 ? backoff(failures, Math.random(), RETRY) : REFRESH_EVERY, signal).catch(() => undefined)
  }
}
