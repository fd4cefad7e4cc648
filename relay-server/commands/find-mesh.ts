/** From what a person types to one private mesh that this peer is in. */
import type { MeshState } from '../../src/core/mesh.ts'
import type { MeshInfo } from '../../src/core/meshes.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { printable } from './printable.ts'

/** By id or name; without one, the only one. BAD_ARGUMENT, which lists the candidates when there are several. */
export function findMesh({ meshes }: MeshState, text: string | undefined): MeshInfo {
  if (meshes.length === 0)
    throw new MeshError('NOT_MEMBER', 'This peer is in no private mesh. Make one: dmesh meshes create NAME; or join one: dmesh join LINK')
  const wanted = printable(text ?? '').toLowerCase()
  const found = text === undefined ? meshes : meshes.filter(({ id, name }) => id === text || printable(name).toLowerCase() === wanted)
  const exact = found.filter(({ id, name }) => id === text || printable(name) === printable(text ?? ''))
  const [mesh] = exact.length > 0 ? exact : found
  if (!mesh) throw new MeshError('NOT_MEMBER', `This peer is in no mesh called "${wanted}". See: dmesh meshes`)
  if ((exact.length > 0 ? exact : found).length === 1) return mesh
  const list = found.map(({ id, name }) => `\n  ${id}  ${printable(name)}`).join('')
  throw new MeshError('BAD_ARGUMENT', `Which mesh? Give its id:${list}`)
}
