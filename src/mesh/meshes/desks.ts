/** Keeps a desk open for each of my meshes at each of its relays: documents come and go, claims come in, presence joins. A relay that is down is normal. */
import { openShown, sealShown } from '../../access/keyring.ts'
import { backoff } from '../../core/backoff.ts'
import type { PresenceMesh } from '../../core/presence-mesh.ts'
import type { Desk, DeskEvents, Leaving, MeshDocuments, MeshesHost } from '../../core/private-mesh.ts'
import { sleep } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import type { MyMesh } from './kept.ts'
import { DESK_RETRY } from './limits.ts'

export interface DeskHooks {
  documents(mesh: MyMesh, documents: MeshDocuments): Promise<void>
  removed(mesh: MyMesh, newest: MeshDocuments): Promise<void>
  claim(mesh: MyMesh, claim: Parameters<DeskEvents['claim']>[0]): void
  leaving(mesh: MyMesh, going: Leaving): Promise<void>
}

export interface Desks {
  /** Start or stop what this mesh needs now. */
  follow(mesh: MyMesh): void
  stop(id: string): void
  open(id: string): readonly Desk[]
  /** Waits for the relay of this origin, or with this PeerID under another origin; gives its PeerID. */
  connected(origin: string, signal: AbortSignal, id?: string): Promise<string>
}

export function createDesks(host: MeshesHost, hooks: DeskHooks): Desks {
  const running = new Map<string, Map<string, AbortController>>()
  const desks = new Map<string, Set<Desk>>()
  const waiters = new Set<() => void>()
  host.onRelays(() => {
    for (const wake of waiters) wake()
  })

  const connected = async (origin: string, signal: AbortSignal, id?: string): Promise<string> => {
    for (;;) {
      const relay = host.relays().find((one) => (one.origin === origin || one.id === id) && one.connected)
      if (relay) return relay.id
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const fail = () => reject(signal.reason)
      waiters.add(resolve)
      signal.addEventListener('abort', fail, { once: true })
      if (signal.aborted) fail()
      try {
        await promise
      } finally {
        waiters.delete(resolve)
        signal.removeEventListener('abort', fail)
      }
    }
  }

  const session = async (mesh: MyMesh, origin: string, signal: AbortSignal, ready: () => void) => {
    const relay = await connected(origin, signal)
    const hello = { mesh: mesh.id, chain: mesh.chain, have: mesh.seq }
    const own = new AbortController()
    const both = AbortSignal.any([signal, own.signal])
    const desk = await host.desks.attend(
      relay,
      hello,
      {
        documents: (documents) =>
          void hooks
            .documents(mesh, documents)
            .catch((error: unknown) => host.log('mesh.document.refused', { mesh: mesh.id, code: codeOf(error) }, 'warn')),
        removed: (newest) => void hooks.removed(mesh, newest).catch(() => host.log('mesh.removal.unproven', { mesh: mesh.id, relay }, 'warn')),
        claim: (claim) => hooks.claim(mesh, claim),
        leaving: (going) =>
          void hooks
            .leaving(mesh, going)
            .catch((error: unknown) => host.log('mesh.leave.refused', { mesh: mesh.id, peer: going.peer, code: codeOf(error) }, 'warn')),
      },
      both,
    )
    ready()
    host.renewPlace(relay, true)
    const open = desks.get(mesh.id) ?? new Set<Desk>()
    desks.set(mesh.id, open.add(desk))
    try {
      if (desk.seq < mesh.seq && isOwner(host, mesh))
        await desk.put({ seq: mesh.seq, document: mesh.document, removed: mesh.removed }).catch(() => undefined)
      const presence = host.presence.join(relay, both, presenceMesh(host, mesh))
      await Promise.race([desk.closed, presence])
      throw new MeshError('PATH_LOST', 'the desk was closed')
    } finally {
      open.delete(desk)
      own.abort(new MeshError('CLOSED', 'the desk was closed'))
      host.renewPlace(relay, false)
    }
  }

  const keep = async (mesh: MyMesh, origin: string, signal: AbortSignal) => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await session(mesh, origin, signal, () => {
          failures = 0
        })
      } catch (error) {
        if (signal.aborted) return
        host.log('mesh.desk.lost', { mesh: mesh.id, origin, code: codeOf(error) }, 'debug')
        failures++
        await sleep(host.clock, backoff(failures, host.random(), DESK_RETRY), signal).catch(() => undefined)
      }
    }
  }

  const stop = (id: string, but: readonly string[] = []) => {
    for (const [origin, controller] of running.get(id) ?? []) {
      if (but.includes(origin)) continue
      controller.abort(new MeshError('CLOSED', 'this mesh is not followed here'))
      running.get(id)?.delete(origin)
    }
  }

  return {
    connected,
    stop,
    open: (id) => [...(desks.get(id) ?? [])],
    follow(mesh) {
      const wanted = mesh.status === 'joined' ? mesh.relays : []
      stop(mesh.id, wanted)
      const own = running.get(mesh.id) ?? new Map<string, AbortController>()
      running.set(mesh.id, own)
      for (const origin of wanted) {
        host.addRelay(origin)
        if (own.has(origin)) continue
        const controller = new AbortController()
        own.set(origin, controller)
        void keep(mesh, origin, AbortSignal.any([controller.signal, host.signal]))
      }
    },
  }
}

export function isOwner({ identity }: Pick<MeshesHost, 'identity'>, { profile }: MyMesh): boolean {
  return profile?.members.some(({ p, r }) => p === identity.peer && r === 'owner') === true
}

function presenceMesh({ identity }: MeshesHost, mesh: MyMesh): PresenceMesh {
  return {
    id: mesh.id,
    async seal(shown) {
      const epoch = mesh.profile?.epoch ?? 0
      const key = mesh.keys.get(epoch)
      if (!key) throw new MeshError('NOT_MEMBER', 'the key of this mesh is not here')
      return sealShown(key, epoch, mesh.id, identity.peer, shown)
    },
    async open(peer, sealed) {
      const key = mesh.keys.get(sealed.epoch)
      return key && openShown(key, mesh.id, peer, sealed)
    },
    isMember: (peer) => mesh.status === 'joined' && mesh.profile?.members.some(({ p, spare }) => p === peer && !spare) === true,
  }
}
