/** Ed25519 and X25519 by WebCrypto with private keys that nobody can export (WICG Secure Curves). Must never make an extractable private key. */
import { MeshError } from '../shared/errors.ts'
import type { SealingKey, SigningKey, VerifyRaw } from './keys.ts'
import { MAX_CACHED_KEYS } from './limits.ts'

/** A private key as the browser keeps it, with its public half as bytes. Structured-cloneable. */
export interface StoredKey {
  readonly privateKey: CryptoKey
  readonly publicKey: Uint8Array<ArrayBuffer>
}

/** Browsers hide it on plain http. */
function subtleIfAny(): SubtleCrypto | undefined {
  return (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto?.subtle
}

/** INSECURE_ORIGIN where the platform hides WebCrypto, as browsers do on http. */
export function requireSubtle(): SubtleCrypto {
  const subtle = subtleIfAny()
  if (!subtle) throw new MeshError('INSECURE_ORIGIN', 'this page has no access to keys, because it was not opened over https or on localhost')
  return subtle
}

/** A new non-extractable key, or undefined when the platform lacks the curve. */
export async function generateKey(curve: 'Ed25519' | 'X25519'): Promise<StoredKey | undefined> {
  const subtle = requireSubtle()
  try {
    const pair = (await subtle.generateKey(curve, false, curve === 'Ed25519' ? ['sign', 'verify'] : ['deriveBits'])) as CryptoKeyPair
    return { privateKey: pair.privateKey, publicKey: new Uint8Array(await subtle.exportKey('raw', pair.publicKey)) }
  } catch (error) {
    if (isUnsupported(error)) return undefined
    throw error
  }
}

export function webSigningKey({ privateKey, publicKey }: StoredKey): SigningKey {
  const subtle = requireSubtle()
  return { publicKey, sign: async (data) => new Uint8Array(await subtle.sign('Ed25519', privateKey, data)) }
}

export function webSealingKey({ privateKey, publicKey }: StoredKey): SealingKey {
  const subtle = requireSubtle()
  return {
    publicKey,
    agree: async (other) => {
      const key = await subtle.importKey('raw', other, 'X25519', false, [])
      return new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: key }, privateKey, 256))
    },
  }
}

/** Verification by WebCrypto, by noble where Ed25519 is missing or `webCrypto` is false. Keeps a bounded number of imported keys. */
export function createVerifier(options: { readonly webCrypto?: boolean } = {}): VerifyRaw {
  let byNoble: Promise<VerifyRaw> | undefined
  let supported = options.webCrypto !== false && subtleIfAny() !== undefined
  const cache = new Map<string, CryptoKey>()
  const importPublic = async (publicKey: Uint8Array<ArrayBuffer>): Promise<CryptoKey> => {
    const id = publicKey.join()
    const known = cache.get(id)
    if (known) return known
    const key = await requireSubtle().importKey('raw', publicKey, 'Ed25519', false, ['verify'])
    if (cache.size >= MAX_CACHED_KEYS) cache.delete(cache.keys().next().value as string)
    cache.set(id, key)
    return key
  }
  return async (publicKey, data, signature) => {
    if (supported) {
      try {
        return await requireSubtle().verify('Ed25519', await importPublic(publicKey), signature, data)
      } catch (error) {
        if (!isUnsupported(error)) return false
        supported = false
      }
    }
    byNoble ??= import('./noble.ts').then((module) => module.nobleVerify())
    return (await byNoble)(publicKey, data, signature)
  }
}

/** What engines throw for a curve they do not have; old ones use SyntaxError for the unknown usages. */
function isUnsupported(error: unknown): boolean {
  const name = (error as { name?: unknown } | undefined)?.name
  return name === 'NotSupportedError' || name === 'SyntaxError'
}
