/** My meshes in memory: one change at a time for each, stored before it counts, put to every relay that is connected. */

import type { Profile } from '../../access/profile.ts'
import type { MeshDocuments, MeshesHost } from '../../core/private-mesh.ts'
import { createSerial } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { type Desks, isOwner } from './desks.ts'
import { applyMyEdits, type DocumentParts, takeDocument, takeRemoval } from './document.ts'
import type { Edit } from './edits.ts'
import { forgetMesh, type MyMesh, saveMesh } from './kept.ts'
import { MAX_EDITS, MAX_NEWEST, MAX_PUT_TRIES, MAX_WAITING } from './limits.ts'

export interface MyMeshes {
  all(): readonly MyMesh[]
  /** NOT_MEMBER. */
  get(id: string): MyMesh
  find(id: string): MyMesh | undefined
  add(mesh: MyMesh): Promise<void>
  drop(id: string): Promise<void>
  /** Told after each change that is stored. */
  onChange(listen: () => void): void
  /** Run alone for this mesh. */
  alone<T>(id: string, task: () => Promise<T>): Promise<T>
  save(mesh: MyMesh): Promise<void>
  /** A document came from a relay or an owner. */
  take(mesh: MyMesh, documents: MeshDocuments): Promise<void>
  /** A relay says that I am out. */
  takeRemoval(mesh: MyMesh, newest: MeshDocuments): Promise<void>
  /** Put what `edits` gives on top of the newest document. NOT_ADMITTER, LIMIT_REACHED. Resolves when it is stored here, and on the relays that are connected. */
  change(mesh: MyMesh, edits: (profile: Profile) => Promise<readonly Edit[]> | readonly Edit[]): Promise<void>
}

export function createMyMeshes(host: MeshesHost, desks: () => Desks): MyMeshes {
  const { identity, records } = host
  const parts: DocumentParts = { identity, records, now: () => host.clock.now() }
  const meshes = new Map<string, MyMesh>()
  const serials = new Map<string, ReturnType<typeof createSerial>>()

  const listeners = new Set<() => void>()
  /** Epoch that my presence is sealed for, by mesh. */
  const announced = new Map<string, number>()

  const alone = <T>(id: string, task: () => Promise<T>): Promise<T> => {
    const serial = serials.get(id) ?? createSerial(MAX_WAITING)
    serials.set(id, serial)
    return serial(task)
  }
  const save = async (mesh: MyMesh) => {
    if (meshes.get(mesh.id) !== mesh) return
    await saveMesh(records, identity, mesh)
    desks().follow(mesh)
    // Whoever joins has none of the keys of before, and reads my name only when it is sealed with the newest.
    const { epoch = 0 } = mesh.profile ?? {}
    if (epoch > (announced.get(mesh.id) ?? epoch)) host.presence.rename(host.name())
    announced.set(mesh.id, epoch)
    host.presence.recheck()
    host.changed()
    for (const listen of listeners) listen()
  }
  const takeAlone = async (mesh: MyMesh, documents: MeshDocuments) => {
    if (!(await takeDocument(parts, mesh, documents))) return
    await save(mesh)
    host.log('mesh.document.taken', { mesh: mesh.id, seq: mesh.seq, status: mesh.status }, 'debug')
  }
  /** Put the mesh's document to every open desk. Resolves with the newer document of one that has it. */
  const publish = async (mesh: MyMesh): Promise<boolean> => {
    const documents = { seq: mesh.seq, document: mesh.document, removed: mesh.removed }
    const results = await Promise.allSettled(
      desks()
        .open(mesh.id)
        .map((desk) => desk.put(documents)),
    )
    if (results.some(({ status }) => status === 'fulfilled')) mesh.edits = []
    return !results.some((result) => result.status === 'rejected' && codeOf(result.reason) === 'OLD_RECORD')
  }
  const settle = async (mesh: MyMesh) => {
    for (let attempt = 0; ; attempt++) {
      const changed = await applyMyEdits(parts, mesh)
      await save(mesh)
      if (!changed || (await publish(mesh))) break
      if (attempt === MAX_PUT_TRIES) throw new MeshError('TIMEOUT', 'other owners change this mesh at the same time; try again')
      // Whatever `seq` a relay claims: what does not verify must not stand in the way of what another relay has.
      for (const one of newest.get(mesh.id)?.splice(0) ?? []) await takeAlone(mesh, one).catch(() => undefined)
    }
    await save(mesh)
  }
  /** What relays sent while a change of mine ran. */
  const newest = new Map<string, MeshDocuments[]>()

  return {
    all: () => [...meshes.values()],
    get(id) {
      const mesh = meshes.get(id)
      if (!mesh) throw new MeshError('NOT_MEMBER', 'this mesh is not one of mine')
      return mesh
    },
    find: (id) => meshes.get(id),
    onChange: (listen) => void listeners.add(listen),
    async add(mesh) {
      meshes.set(mesh.id, mesh)
      await save(mesh)
    },
    async drop(id) {
      meshes.delete(id)
      announced.delete(id)
      desks().stop(id)
      await forgetMesh(records, id)
      host.presence.recheck()
      host.changed()
    },
    alone,
    save,
    take(mesh, documents) {
      newest.set(mesh.id, [...(newest.get(mesh.id) ?? []), documents].slice(-MAX_NEWEST))
      return alone(mesh.id, async () => {
        newest.set(
          mesh.id,
          (newest.get(mesh.id) ?? []).filter((one) => one !== documents),
        )
        await takeAlone(mesh, documents)
        if (mesh.edits.length > 0 && isOwner(host, mesh)) await settle(mesh)
      })
    },
    takeRemoval: (mesh, newest) =>
      alone(mesh.id, async () => {
        // It may hold new certificates for me: of an owner who is a member now, only the old ones are void.
        await takeAlone(mesh, newest).catch(() => undefined)
        if (await takeRemoval(parts, mesh, newest.removed)) await save(mesh)
      }),
    change: (mesh, edits) =>
      alone(mesh.id, async () => {
        if (!mesh.profile || mesh.status !== 'joined') throw new MeshError('NOT_MEMBER', 'this mesh cannot be changed now')
        if (!isOwner(host, mesh)) throw new MeshError('NOT_ADMITTER', 'only owners of this mesh may change it')
        const more = await edits(mesh.profile)
        if (more.length === 0) return
        if (mesh.edits.length + more.length > MAX_EDITS) throw new MeshError('LIMIT_REACHED', `${MAX_EDITS} changes wait for a relay`)
        const before = mesh.edits
        mesh.edits = [...before, ...more]
        try {
          await settle(mesh)
        } catch (error) {
          // A change that cannot be made must not stand in the way of the next ones.
          if (codeOf(error) === 'LIMIT_REACHED') mesh.edits = before
          throw error
        }
      }),
  }
}
