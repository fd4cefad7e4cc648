/** The identity of a browser profile: non-extractable CryptoKeys in the 'secret' collection (design §8), or seeds sealed by one where a curve is missing. Must never store a raw private key. */
import type { Identity } from '../core/identity.ts'
import type { RecordStore } from '../core/stores.ts'
import { MeshError } from '../shared/errors.ts'
import { createIdentity, type SealingKey, type SigningKey } from './keys.ts'
import { KEY_BYTES } from './limits.ts'
import { createVerifier, generateKey, requireSubtle, type StoredKey, webSealingKey, webSigningKey } from './web-crypto.ts'

export interface BrowserIdentityOptions {
  /** False: make and check keys with @noble/curves even if WebCrypto could (the forced-off switch). A key that is stored already is used as it is. Default true. */
  readonly webCrypto?: boolean
  /** Source of the fallback's seeds. Default crypto.getRandomValues. */
  readonly random?: (length: number) => Uint8Array<ArrayBuffer>
}

/** A seed under AES-256-GCM (12-byte iv, 16-byte tag, the public key as additional data), by a key that cannot be exported. */
interface SealedKey {
  readonly wrapKey: CryptoKey
  readonly iv: Uint8Array<ArrayBuffer>
  readonly sealed: Uint8Array<ArrayBuffer>
  readonly publicKey: Uint8Array<ArrayBuffer>
}

interface StoredIdentity {
  readonly version: 1
  readonly signing: StoredKey | SealedKey
  readonly sealing: StoredKey | SealedKey
}

const RECORD = 'device'

/**
 * Load the device's keys, making them on the first start. Two callers at once get the same keys: the record is created in one store transaction and the
 * first one stays. INSECURE_ORIGIN without WebCrypto; STORAGE_FAILED or UNKNOWN_VERSION when a stored record cannot be used (it is never overwritten).
 */
export async function loadBrowserIdentity(records: RecordStore, options: BrowserIdentityOptions = {}): Promise<Identity> {
  let stored = await records.get<StoredIdentity>('secret', RECORD)
  let isNew = false
  if (stored === undefined) {
    const made = await makeKeys(options)
    stored = await records.update<StoredIdentity>('secret', RECORD, (old) => {
      isNew = old === undefined
      return old ?? made
    })
  }
  const { signing, sealing } = checkRecord(stored)
  return createIdentity({ signing: await openSigning(signing), sealing: await openSealing(sealing), verifyRaw: createVerifier(options), isNew })
}

async function makeKeys(options: BrowserIdentityOptions): Promise<StoredIdentity> {
  requireSubtle()
  const random = options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length)))
  const byPlatform = async (curve: 'Ed25519' | 'X25519') => (options.webCrypto === false ? undefined : generateKey(curve))
  const signing =
    (await byPlatform('Ed25519')) ?? (await sealSeed(random(KEY_BYTES), async (seed) => (await import('./noble.ts')).nobleSigningKey(seed).publicKey))
  const sealing =
    (await byPlatform('X25519')) ?? (await sealSeed(random(KEY_BYTES), async (seed) => (await import('./noble.ts')).nobleSealingKey(seed).publicKey))
  return { version: 1, signing, sealing }
}

/** Seal and then overwrite `seed`. */
async function sealSeed(
  seed: Uint8Array<ArrayBuffer>,
  publicOf: (seed: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<SealedKey> {
  const subtle = requireSubtle()
  const publicKey = await publicOf(seed)
  const wrapKey = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const sealed = new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv, additionalData: publicKey }, wrapKey, seed))
  seed.fill(0)
  return { wrapKey, iv, sealed, publicKey }
}

async function openSeed({ wrapKey, iv, sealed, publicKey }: SealedKey): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await requireSubtle().decrypt({ name: 'AES-GCM', iv, additionalData: publicKey }, wrapKey, sealed))
  } catch (cause) {
    throw new MeshError('STORAGE_FAILED', 'the stored key of this device could not be opened', { cause })
  }
}

async function openSigning(key: StoredKey | SealedKey): Promise<SigningKey> {
  if ('privateKey' in key) return webSigningKey(key)
  return (await import('./noble.ts')).nobleSigningKey(await openSeed(key))
}

async function openSealing(key: StoredKey | SealedKey): Promise<SealingKey> {
  if ('privateKey' in key) return webSealingKey(key)
  return (await import('./noble.ts')).nobleSealingKey(await openSeed(key))
}

/** A record of an unknown shape is left alone: overwriting it would lose the only copy of somebody's name. */
function checkRecord(stored: StoredIdentity | undefined): StoredIdentity {
  if (stored?.version !== undefined && stored.version !== 1) {
    throw new MeshError('UNKNOWN_VERSION', `the stored key was written by a newer version (${String(stored.version)}) of this program`)
  }
  if (!isKey(stored?.signing) || !isKey(stored?.sealing)) throw new MeshError('STORAGE_FAILED', 'the stored key of this device is not readable')
  return stored as StoredIdentity
}

function isKey(key: Partial<StoredKey & SealedKey> | undefined): boolean {
  if (!(key?.publicKey instanceof Uint8Array) || key.publicKey.byteLength !== KEY_BYTES) return false
  return key.privateKey !== undefined || (key.wrapKey !== undefined && key.iv instanceof Uint8Array && key.sealed instanceof Uint8Array)
}
