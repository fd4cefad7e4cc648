/** `globalThis.dmesh`: the Mesh API before, while and after the mesh is reached. Getters give empty values until then, methods wait for `ready`. */
import { lateCalls } from '../core/late-calls.ts'
import type { Mesh, MeshState } from '../core/mesh.ts'

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
    ...lateCalls(() => attempt),
    handle: async (...args) => (await attempt).handle(...args),
    subscribe: async (...args) => (await attempt).subscribe(...args),
    fetch: async (...args) => (await attempt).fetch(...args),
    serve: async (...args) => (await attempt).serve(...args),
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
