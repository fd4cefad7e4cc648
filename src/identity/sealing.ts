/** Sealing: to a key by HPKE (RFC 9180, base mode, X25519 + HKDF-SHA256 + AES-256-GCM), and with a shared key by AES-256-GCM under HKDF-SHA256 (RFC 5869). Must never reuse a nonce, nor tell why opening failed. */
import { x25519 } from '@noble/curves/ed25519.js'
import { expand, extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Identity } from '../core/identity.ts'
import { concat, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { KEY_BYTES } from './limits.ts'
import { requireSubtle } from './web-crypto.ts'

type Bytes = Uint8Array<ArrayBuffer>

const KEM_SUITE = concat([toUtf8('KEM'), Uint8Array.of(0, 0x20)]) // DHKEM(X25519, HKDF-SHA256)
const HPKE_SUITE = concat([toUtf8('HPKE'), Uint8Array.of(0, 0x20, 0, 1, 0, 2)]) // … HKDF-SHA256, AES-256-GCM
const VERSION = toUtf8('HPKE-v1')
const EMPTY = new Uint8Array()
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Whoever can open what was sealed to its X25519 key. */
export interface Opener {
  readonly publicKey: Uint8Array
  agree(publicKey: Uint8Array): Promise<Uint8Array>
}

/** This device as the one who opens. */
export function openerOf({ sealing, agree }: Identity): Opener {
  return { publicKey: sealing.publicKey, agree }
}

/** 32 bytes encapsulated key | ciphertext and tag. `info` binds the purpose. A fresh ephemeral key each time. BAD_ARGUMENT for a point of small order. */
export async function sealTo(publicKey: Uint8Array, info: string, data: Uint8Array): Promise<Bytes> {
  if (publicKey.byteLength !== KEY_BYTES) throw new MeshError('BAD_ARGUMENT', `an X25519 public key has ${KEY_BYTES} bytes`)
  const ephemeral = crypto.getRandomValues(new Uint8Array(KEY_BYTES))
  const enc = new Uint8Array(x25519.getPublicKey(ephemeral))
  let shared: Uint8Array
  try {
    shared = x25519.getSharedSecret(ephemeral, publicKey)
  } catch (cause) {
    throw new MeshError('BAD_ARGUMENT', 'nothing can be sealed to this X25519 public key', { cause })
  }
  const { key, nonce } = schedule(shared, enc, publicKey, info)
  return concat([enc, await aesSeal(key, nonce, data, EMPTY)])
}

/** What `sealTo` made for this key and purpose. BAD_RECORD for anything else. */
export async function openSealed(opener: Opener, info: string, sealed: Uint8Array): Promise<Bytes> {
  if (sealed.byteLength < KEY_BYTES + TAG_BYTES) throw new MeshError('BAD_RECORD', 'nothing is sealed in so few bytes')
  const enc = sealed.slice(0, KEY_BYTES)
  try {
    const { key, nonce } = schedule(await opener.agree(enc), enc, opener.publicKey, info)
    return await aesOpen(key, nonce, sealed.slice(KEY_BYTES), EMPTY)
  } catch (cause) {
    throw new MeshError('BAD_RECORD', 'sealed for another key or purpose', { cause })
  }
}

/** 12 bytes random nonce | ciphertext and tag, under a key derived from `key` (32 bytes) for `purpose`; `about` is bound, not hidden. */
export async function sealWith(key: Uint8Array, purpose: string, about: string, data: Uint8Array): Promise<Bytes> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  return concat([nonce, await aesSeal(deriveKey(key, purpose), nonce, data, toUtf8(about))])
}

/** What `sealWith` made with the same key, purpose and subject. BAD_RECORD for anything else. */
export async function openWith(key: Uint8Array, purpose: string, about: string, sealed: Uint8Array): Promise<Bytes> {
  if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) throw new MeshError('BAD_RECORD', 'nothing is sealed in so few bytes')
  try {
    return await aesOpen(deriveKey(key, purpose), sealed.slice(0, NONCE_BYTES), sealed.slice(NONCE_BYTES), toUtf8(about))
  } catch (cause) {
    throw new MeshError('BAD_RECORD', 'sealed with another key', { cause })
  }
}

/** A key of its own for each purpose: HKDF-SHA256, no salt. 32 bytes. */
export function deriveKey(key: Uint8Array, purpose: string): Bytes {
  return new Uint8Array(expand(sha256, extract(sha256, key), toUtf8(purpose), KEY_BYTES))
}

/** RFC 9180 §4.1 and §5.1: the key and nonce of the only message of this context. */
function schedule(shared: Uint8Array, enc: Uint8Array, publicKey: Uint8Array, info: string): { key: Bytes; nonce: Bytes } {
  const prk = labeledExtract(KEM_SUITE, EMPTY, 'eae_prk', shared)
  const secret = labeledExpand(KEM_SUITE, prk, 'shared_secret', concat([enc, publicKey]), KEY_BYTES)
  const context = concat([
    Uint8Array.of(0), // mode_base
    labeledExtract(HPKE_SUITE, EMPTY, 'psk_id_hash', EMPTY),
    labeledExtract(HPKE_SUITE, EMPTY, 'info_hash', toUtf8(info)),
  ])
  const final = labeledExtract(HPKE_SUITE, secret, 'secret', EMPTY)
  return {
    key: labeledExpand(HPKE_SUITE, final, 'key', context, KEY_BYTES),
    nonce: labeledExpand(HPKE_SUITE, final, 'base_nonce', context, NONCE_BYTES),
  }
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, input: Uint8Array): Bytes {
  return new Uint8Array(extract(sha256, concat([VERSION, suite, toUtf8(label), input]), salt))
}

function labeledExpand(suite: Uint8Array, prk: Uint8Array, label: string, info: Uint8Array, length: number): Bytes {
  return new Uint8Array(expand(sha256, prk, concat([Uint8Array.of(0, length), VERSION, suite, toUtf8(label), info]), length))
}

async function aesSeal(key: Bytes, iv: Bytes, data: Uint8Array, additionalData: Bytes): Promise<Bytes> {
  const subtle = requireSubtle()
  const imported = await subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt'])
  return new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, imported, new Uint8Array(data)))
}

async function aesOpen(key: Bytes, iv: Bytes, data: Bytes, additionalData: Bytes): Promise<Bytes> {
  const subtle = requireSubtle()
  const imported = await subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  return new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, imported, data))
}
