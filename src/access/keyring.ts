/** Keys around private meshes: a new mesh's root, the user key behind it, and what this device seals to itself or to a mesh. Must never store a seed or a read key in the clear, nor keep the secret half of a mesh key. */
import * as v from 'valibot'
import type { Identity } from '../core/identity.ts'
import type { PresenceShown, SealedShown } from '../core/presence-mesh.ts'
import type { RecordStore } from '../core/stores.ts'
import { verifySealing } from '../identity/keys.ts'
import { deriveKey, openerOf, openSealed, openWith, sealTo, sealWith } from '../identity/sealing.ts'
import { keysOfSeed, type SeedKeys } from '../identity/seed.ts'
import { fromBase64url, fromUtf8, toBase64url, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { signCertificate } from './membership.ts'

export const SEED_BYTES = 32
const USER_BYTES = 16 // 128 bits: twelve words
const USER_RECORD = 'user'

export function randomKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SEED_BYTES))
}

/** Sealed so that only this device can open it. */
export function sealToSelf({ sealing }: Identity, purpose: string, data: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return sealTo(sealing.publicKey, `dmesh-self:1:${purpose}`, data)
}

/** STORAGE_FAILED when it was sealed by another device. */
export async function openFromSelf(identity: Identity, purpose: string, sealed: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await openSealed(openerOf(identity), `dmesh-self:1:${purpose}`, sealed)
  } catch (cause) {
    throw new MeshError('STORAGE_FAILED', 'what this device sealed for itself cannot be opened', { cause })
  }
}

/** The key of the person, made at the first need; certified by every mesh they make, so that a lost device loses no mesh. */
export async function loadUserKey(identity: Identity, records: RecordStore): Promise<SeedKeys> {
  return userKeyOf(await loadUserSecret(identity, records))
}

/** What recovery words say: 16 bytes (32 in stores of before). The caller shows it to the person and to nobody else. */
async function loadUserSecret(identity: Identity, records: RecordStore): Promise<Uint8Array<ArrayBuffer>> {
  let box = await records.get<Uint8Array>('secret', USER_RECORD)
  if (!box) {
    const made = await sealToSelf(identity, USER_RECORD, crypto.getRandomValues(new Uint8Array(USER_BYTES)))
    box = await records.update<Uint8Array>('secret', USER_RECORD, (old) => old ?? made)
  }
  return openFromSelf(identity, USER_RECORD, box as Uint8Array)
}

/** In place of the one that is here: call it only while no mesh of this device needs that. */
export async function replaceUserSecret(identity: Identity, records: RecordStore, secret: Uint8Array): Promise<void> {
  await records.put<Uint8Array>('secret', USER_RECORD, await sealToSelf(identity, USER_RECORD, secret))
}

/** The same as words. The list is fetched with the first call. */
export async function userWords(identity: Identity, records: RecordStore): Promise<readonly string[]> {
  const { wordsOf } = await import('../identity/words.ts')
  return wordsOf(await loadUserSecret(identity, records))
}

/** WORDS_INVALID. */
export async function secretOfWords(words: string): Promise<Uint8Array<ArrayBuffer>> {
  const { bytesOfWords } = await import('../identity/words.ts')
  return bytesOfWords(words)
}

export type UserKey = SeedKeys

export function userKeyOf(secret: Uint8Array): SeedKeys {
  return keysOfSeed(secret.byteLength === SEED_BYTES ? secret : deriveKey(secret, 'dmesh-user-key:1'))
}

export interface MeshRoot {
  /** PeerID of the mesh key. */
  readonly id: string
  /** Mesh key → user key. */
  readonly userChain: readonly string[]
  /** Mesh key → user key → this device. */
  readonly chain: readonly string[]
}

/** A new mesh: its key certifies the user key as owner and is forgotten. */
export async function makeRoot(identity: Identity, user: SeedKeys, now: number): Promise<MeshRoot> {
  const seed = randomKey()
  const root = keysOfSeed(seed)
  const request = { mesh: root.peer, epoch: 1, own: true, now }
  const first = await signCertificate(root, { ...request, sub: user.peer })
  seed.fill(0)
  const second = await signCertificate(user, { ...request, sub: identity.peer })
  return { id: root.peer, userChain: [first], chain: [first, second] }
}

const shownSchema = v.strictObject({ n: v.pipe(v.string(), v.maxLength(128)), k: v.pipe(v.string(), v.regex(/^[a-z]{1,16}$/)) })
const aboutOf = (mesh: string, peer: string) => `${mesh}:${peer}`

/** Name and kind of `peer` for the members of `mesh`. */
export async function sealShown(readKey: Uint8Array, epoch: number, mesh: string, peer: string, { name, kind }: PresenceShown): Promise<SealedShown> {
  const box = await sealWith(readKey, 'dmesh-presence', aboutOf(mesh, peer), toUtf8(JSON.stringify({ n: name, k: kind })))
  return { epoch, box: toBase64url(box) }
}

/** Undefined when it is not for this key. */
export async function openShown(readKey: Uint8Array, mesh: string, peer: string, { box }: SealedShown): Promise<PresenceShown | undefined> {
  try {
    const bytes = await openWith(readKey, 'dmesh-presence', aboutOf(mesh, peer), fromBase64url(box) ?? new Uint8Array())
    const { n, k } = v.parse(shownSchema, JSON.parse(fromUtf8(bytes) ?? ''))
    return { name: n, kind: k }
  } catch {
    return undefined
  }
}

/** What is published in a topic of `mesh`, for its members. */
export function sealTopic(readKey: Uint8Array, mesh: string, plain: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return sealWith(readKey, 'dmesh-pubsub', mesh, plain)
}

/** Undefined when it is not for this key. */
export function openTopic(readKey: Uint8Array, mesh: string, sealed: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return openWith(readKey, 'dmesh-pubsub', mesh, sealed).catch(() => undefined)
}

/** True when `peer` certified this X25519 key; both base64url. */
export function checkSealing(
  identity: Pick<Identity, 'verify'>,
  peer: string,
  sealing: { readonly key: string; readonly signature: string },
): Promise<boolean> {
  const publicKey = fromBase64url(sealing.key)
  const signature = fromBase64url(sealing.signature)
  return publicKey && signature ? verifySealing(identity, peer, { publicKey, signature }) : Promise.resolve(false)
}

/** X25519 half of a user key, base64url. */
export function userSealingKey(user: SeedKeys): string {
  return toBase64url(user.opener.publicKey)
}
