/** One private mesh of mine in memory, and how it is kept: read keys sealed to this device, the rest as it came. Must never show a mesh whose document did not verify. */
import { openFromSelf, sealToSelf } from '../../access/keyring.ts'
import { openOwnShare, openProfile, type Profile, readDocument } from '../../access/profile.ts'
import type { Identity } from '../../core/identity.ts'
import type { MeshInfo } from '../../core/meshes.ts'
import type { Claim } from '../../core/private-mesh.ts'
import type { RecordStore } from '../../core/stores.ts'
import { fromBase64url, fromUtf8, toBase64url, toUtf8 } from '../../shared/bytes.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Edit } from './edits.ts'
import { MAX_KEYS_KEPT, MAX_MY_MESHES } from './limits.ts'

export interface MyMesh {
  readonly id: string
  name: string
  status: MeshInfo['status']
  relays: readonly string[]
  waitingFor?: string
  problem?: MeshInfo['problem']
  /** My certificates; empty while I wait. */
  chain: readonly string[]
  /** Mesh key → user key, where the user key is mine. */
  userChain?: readonly string[]
  /** The newest document that verified, and the list of those removed. */
  document: string
  removed: string
  seq: number
  profile?: Profile
  /** By epoch, the newest few. */
  keys: ReadonlyMap<number, Uint8Array<ArrayBuffer>>
  /** Changes of mine that no relay has yet. */
  edits: readonly Edit[]
  /** While I wait. */
  claim?: Omit<Claim, 'sealing'> & { readonly relay: string }
  /** When it was made, joined or claimed; ms. */
  readonly at: number
}

/** What the store holds; `keys` is sealed to this device. */
interface KeptMesh extends Omit<MyMesh, 'profile' | 'keys'> {
  readonly version: 1
  readonly sealedKeys: Uint8Array
}

const keyOf = (id: string) => `my ${id}`

export async function saveMesh(records: RecordStore, identity: Identity, mesh: MyMesh): Promise<void> {
  const { profile: _, keys, ...rest } = mesh
  const text = JSON.stringify([...keys].map(([epoch, key]) => [epoch, toBase64url(key)]))
  const sealedKeys = await sealToSelf(identity, mesh.id, toUtf8(text))
  await records.put<KeptMesh>('mesh', keyOf(mesh.id), { ...rest, version: 1, sealedKeys })
}

export async function forgetMesh(records: RecordStore, id: string): Promise<void> {
  await records.delete('mesh', keyOf(id))
}

/** One that cannot be read is left in the store and logged: it may be of a newer version. */
export async function loadMeshes(records: RecordStore, identity: Identity, now: number, log: Log): Promise<readonly MyMesh[]> {
  const out: MyMesh[] = []
  for (const [key, kept] of await records.list<KeptMesh>('mesh', { prefix: 'my ', limit: MAX_MY_MESHES })) {
    try {
      out.push(await openKept(identity, kept, now))
    } catch (error) {
      log('mesh.kept.unreadable', { key, code: codeOf(error) }, 'warn')
    }
  }
  return out
}

async function openKept(identity: Identity, { sealedKeys, version: _, ...rest }: KeptMesh, now: number): Promise<MyMesh> {
  const text = fromUtf8(await openFromSelf(identity, rest.id, sealedKeys)) ?? ''
  const keys = new Map((JSON.parse(text) as [number, string][]).map(([epoch, key]) => [epoch, fromBase64url(key) ?? new Uint8Array()] as const))
  const mesh: MyMesh = { ...rest, keys }
  if (!rest.document) return mesh
  const document = readDocument(rest.document)
  const readKey = keys.get(document.epoch) ?? (await openOwnShare(document, identity))?.readKey
  return readKey ? { ...mesh, profile: await openProfile(identity.verify, document, readKey, now) } : mesh
}

/** The newest few. */
export function withKey(keys: MyMesh['keys'], epoch: number, key: Uint8Array<ArrayBuffer>): MyMesh['keys'] {
  return new Map([...keys, [epoch, key] as const].sort(([a], [b]) => b - a).slice(0, MAX_KEYS_KEPT))
}
