/** `globalThis.dmesh`: the Mesh API before, while and after the mesh is reached. Getters give empty values until then, methods wait for `ready`. */

import type { Mesh, MeshState } from '../core/mesh.ts'
import { callMeshes, forwardMeshes } from '../core/meshes-calls.ts'

export interface PageHandle extends Mesh {
  /** Resolves once the mesh answers, rejects with the MeshError of this attempt; after Retry it is a new promise. */
  readonly ready: Promise<void>
}

export interface PageHandleControl {
  readonly handle: PageHandle
  /** A new attempt: methods called from now on wait for it. Never rejects by itself. */
  begin(attempt: Promise<Mesh>): void
}

/** What the page shows before the mesh has said anything. */
export function emptyState(version: string): MeshState {
  const settings = { sendReceipts: true }
  const names = { peerId: '', cid: '', didKey: '', vip: '', oldVip: '', oldId: '' }
  return {
    status: 'starting',
    peer: '',
    vip: '',
    name: '',
    names,
    isNew: false,
    relays: [],
    peers: [],
    transfers: [],
    messages: [],
    settings,
    meshes: [],
    version,
  }
}

export function createPageHandle(version: string): PageHandleControl {
  const empty = emptyState(version)
  const first = Promise.withResolvers<Mesh>()
  let mesh: Mesh | undefined
  let attempt: Promise<Mesh> = first.promise
  let ready: Promise<void> = attempt.then(() => undefined)
  const handle: PageHandle = {
    get ready() {
      return ready
    },
    get peer() {
      return mesh?.peer ?? ''
    },
    get vip() {
      return mesh?.vip ?? ''
    },
    get state() {
      return mesh?.state ?? empty
    },
    get peers() {
      return mesh?.peers ?? []
    },
    files: lateFiles(() => attempt),
    policy: {
      rows: async () => (await attempt).policy.rows(),
      put: async (row) => (await attempt).policy.put(row),
      remove: async (id) => (await attempt).policy.remove(id),
    },
    relays: {
      add: async (origin) => (await attempt).relays.add(origin),
      remove: async (origin) => (await attempt).relays.remove(origin),
    },
    ...lateGrants(() => attempt),
    meshes: forwardMeshes(async (name, args) => callMeshes((await attempt).meshes, name, args)),
    open: async (...args) => (await attempt).open(...args),
    handle: async (...args) => (await attempt).handle(...args),
    ...lateHttp(() => attempt),
    send: async (...args) => (await attempt).send(...args),
    read: async (...args) => (await attempt).read(...args),
    configure: async (...args) => (await attempt).configure(...args),
    publish: async (...args) => (await attempt).publish(...args),
    subscribe: async (...args) => (await attempt).subscribe(...args),
    ...lateWays(() => attempt),
    rename: async (...args) => (await attempt).rename(...args),
    addEventListener(type, listen, options) {
      if (mesh) mesh.addEventListener(type, listen, options)
      else void first.promise.then((reached) => reached.addEventListener(type, listen, options))
    },
    close: async () => (await attempt).close(),
  }
  return {
    handle,
    begin(next) {
      attempt = next
      ready = next.then((reached) => {
        mesh = reached
        first.resolve(reached)
      })
      ready.catch(() => undefined) // the page shows it; a caller who awaits `ready` still gets it
    },
  }
}

function lateHttp(mesh: () => Promise<Mesh>): Pick<Mesh, 'fetch' | 'serve'> {
  return { fetch: async (...args) => (await mesh()).fetch(...args), serve: async (...args) => (await mesh()).serve(...args) }
}

function lateWays(mesh: () => Promise<Mesh>): Pick<Mesh, 'why' | 'ping' | 'find'> {
  return {
    why: async (peer) => (await mesh()).why(peer),
    ping: async (...args) => (await mesh()).ping(...args),
    find: async (...args) => (await mesh()).find(...args),
  }
}

function lateFiles(mesh: () => Promise<Mesh>): Mesh['files'] {
  return {
    offer: async (...args) => (await mesh()).files.offer(...args),
    accept: async (id) => (await mesh()).files.accept(id),
    decline: async (id) => (await mesh()).files.decline(id),
    cancel: async (id) => (await mesh()).files.cancel(id),
    pause: async (id) => (await mesh()).files.pause(id),
    resume: async (id, source) => (await mesh()).files.resume(id, source),
    open: async (id) => (await mesh()).files.open(id),
    remove: async (id) => (await mesh()).files.remove(id),
  }
}

function lateGrants(current: () => Promise<Mesh>): Pick<Mesh, 'grant' | 'revoke' | 'explain'> {
  return {
    grant: async (grant) => (await current()).grant(grant),
    revoke: async (id) => (await current()).revoke(id),
    explain: async (...question) => (await current()).explain(...question),
  }
}
