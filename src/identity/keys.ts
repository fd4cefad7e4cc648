/** The two keys of a device behind functions, and the Identity made of them. Must never see, hold or return private key bytes itself. */
import type { Identity } from '../core/identity.ts'
import { concat, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { KEY_BYTES, SIGNATURE_BYTES } from './limits.ts'
import { namesOf, publicKeyOfPeer } from './names.ts'

/** Ed25519: names the device and signs. */
export interface SigningKey {
  readonly publicKey: Uint8Array<ArrayBuffer>
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
}

/** X25519: agrees on secrets. `agree` rejects when the result would be all zero. */
export interface SealingKey {
  readonly publicKey: Uint8Array<ArrayBuffer>
  agree(publicKey: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
}

/** Ed25519 check over raw values of the right length; false, never a rejection, for a point that is none. */
export type VerifyRaw = (publicKey: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>) => Promise<boolean>

export interface IdentityParts {
  readonly signing: SigningKey
  readonly sealing: SealingKey
  readonly verifyRaw: VerifyRaw
  readonly isNew: boolean
}

/** What the device key signs to certify a sealing key: this text, then the 32 bytes. The prefix keeps it from being any other signed statement. */
const SEALING_DOMAIN = toUtf8('dmesh-sealing-key:1:')

/** The bytes that `Identity.sealing.signature` covers. */
export function sealingStatement(sealingKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([SEALING_DOMAIN, sealingKey])
}

/** True when `peer` certified this sealing key. Check it before sealing anything to the key. */
export function verifySealing(identity: Pick<Identity, 'verify'>, peer: string, sealing: Identity['sealing']): Promise<boolean> {
  if (sealing.publicKey.byteLength !== KEY_BYTES) return Promise.resolve(false)
  return identity.verify(peer, sealingStatement(sealing.publicKey), sealing.signature)
}

/** Build the Identity and prove that both halves of the signing key belong together. STORAGE_FAILED when they do not. */
export async function createIdentity({ signing, sealing, verifyRaw, isNew }: IdentityParts): Promise<Identity> {
  const names = namesOf(signing.publicKey)
  const statement = sealingStatement(sealing.publicKey)
  const signature = await signing.sign(statement)
  if (!(await verifyRaw(signing.publicKey, statement, signature))) {
    throw new MeshError('STORAGE_FAILED', `the stored key of ${names.peerId} is damaged: its two halves do not belong together`)
  }
  return {
    peer: names.peerId,
    publicKey: signing.publicKey,
    names,
    sealing: { publicKey: sealing.publicKey, signature },
    isNew,
    sign: (data) => signing.sign(new Uint8Array(data)),
    verify: async (peer, data, given) => {
      const publicKey = publicKeyOfPeer(peer)
      if (!publicKey || given.byteLength !== SIGNATURE_BYTES) return false
      return verifyRaw(publicKey, new Uint8Array(data), new Uint8Array(given))
    },
    agree: async (publicKey) => {
      if (publicKey.byteLength !== KEY_BYTES)
        throw new MeshError('BAD_ARGUMENT', `an X25519 public key has ${KEY_BYTES} bytes, got ${publicKey.byteLength}`)
      try {
        return await sealing.agree(new Uint8Array(publicKey))
      } catch (cause) {
        // RFC 7748 §6.1: every implementation refuses points of small order, each with an error of its own.
        throw new MeshError('BAD_ARGUMENT', 'no secret can be agreed on with this X25519 public key', { cause })
      }
    },
  }
}
