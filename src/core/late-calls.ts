/** Calls on a mesh that is reached only when it is called: a page's that waits for its worker, a handle that waits for its page. `reach` is asked for each call, with its signal where it has one. Pure. */
import type { FilesApi, Mesh } from './mesh.ts'
import { callMeshes, forwardMeshes } from './meshes-calls.ts'

/** What is passed on as it is; the rest of a Mesh lives where it is called. */
export type LateCalls = Pick<
  Mesh,
  | 'files'
  | 'policy'
  | 'meshes'
  | 'relays'
  | 'why'
  | 'open'
  | 'send'
  | 'read'
  | 'configure'
  | 'publish'
  | 'ping'
  | 'find'
  | 'rename'
  | 'grant'
  | 'revoke'
  | 'explain'
>

export function lateCalls(reach: (signal?: AbortSignal) => Promise<LateCalls>): LateCalls {
  return {
    relays: {
      add: async (origin) => (await reach()).relays.add(origin),
      remove: async (origin) => (await reach()).relays.remove(origin),
    },
    why: async (peer) => (await reach()).why(peer),
    files: lateFiles(async (signal) => (await reach(signal)).files),
    policy: {
      rows: async () => (await reach()).policy.rows(),
      put: async (row) => (await reach()).policy.put(row),
      remove: async (id) => (await reach()).policy.remove(id),
    },
    grant: async (grant) => (await reach()).grant(grant),
    revoke: async (id) => (await reach()).revoke(id),
    explain: async (...question) => (await reach()).explain(...question),
    meshes: forwardMeshes(async (name, args) => callMeshes((await reach()).meshes, name, args)),
    open: async (peer, protocol, options) => (await reach(options?.signal)).open(peer, protocol, options),
    send: async (peer, topic, data, options) => (await reach(options?.signal)).send(peer, topic, data, options),
    read: async (peer, messageId) => (await reach()).read(peer, messageId),
    configure: async (settings) => (await reach()).configure(settings),
    publish: async (topic, data, options) => (await reach()).publish(topic, data, options),
    ping: async (peer, options) => (await reach(options?.signal)).ping(peer, options),
    find: async (peer, options) => (await reach(options?.signal)).find(peer, options),
    rename: async (name, peer) => (await reach()).rename(name, peer),
  }
}

export function lateFiles(reach: (signal?: AbortSignal) => Promise<FilesApi>): FilesApi {
  return {
    offer: async (peer, source, options) => (await reach(options?.signal)).offer(peer, source, options),
    accept: async (id) => (await reach()).accept(id),
    decline: async (id) => (await reach()).decline(id),
    cancel: async (id) => (await reach()).cancel(id),
    pause: async (id) => (await reach()).pause(id),
    resume: async (id, source) => (await reach()).resume(id, source),
    open: async (id) => (await reach()).open(id),
    remove: async (id) => (await reach()).remove(id),
  }
}
