/** The seal of a private mesh for topics: by the newest read key, opened with any that is kept, of members alone. Must never open for who was removed, whatever key they kept. */
import { openTopic, sealTopic } from '../../access/keyring.ts'
import type { MeshSeal } from '../../core/pubsub.ts'
import { MeshError } from '../../shared/errors.ts'
import type { MyMesh } from './kept.ts'

/** Undefined while I wait, and once I was removed. */
export function sealOfMesh(mesh: MyMesh | undefined): MeshSeal | undefined {
  const readKey = mesh?.status === 'joined' && mesh.profile ? mesh.keys.get(mesh.profile.epoch) : undefined
  if (!mesh || !readKey) return undefined
  return {
    seal: (plain) => sealTopic(readKey, mesh.id, plain),
    async open(sealed, from) {
      if (!mesh.profile?.members.some(({ p, spare }) => p === from && !spare)) throw new MeshError('NOT_MEMBER', 'sealed by nobody of this mesh')
      for (const key of mesh.keys.values()) {
        const plain = await openTopic(key, mesh.id, sealed)
        if (plain) return plain
      }
      throw new MeshError('BAD_RECORD', 'sealed with no key of this mesh')
    },
  }
}
