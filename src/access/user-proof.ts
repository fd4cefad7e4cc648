/** A person shows a relay that a user key is theirs, to be told of the meshes it made: a statement for one relay, one device and some minutes. Pure. */
import type { Identity } from '../core/identity.ts'
import type { UserProof } from '../core/private-mesh.ts'
import type { Signer } from '../identity/seed.ts'
import { fromBase64url, toBase64url, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { USER_PROOF_SKEW } from './limits.ts'

const statement = (relay: string, device: string, at: number) => toUtf8(`dmesh-mine:1:${relay}:${device}:${at}`)

export async function signUserProof(user: Signer, relay: string, device: string, now: number): Promise<UserProof> {
  const at = Math.floor(now / 1000)
  return { user: user.peer, at, signature: toBase64url(await user.sign(statement(relay, device, at))) }
}

/** Passes when the user key named this device for this relay, now. ACCESS_DENIED. */
export async function verifyUserProof(verify: Identity['verify'], proof: UserProof, relay: string, device: string, now: number): Promise<void> {
  const { user, at, signature } = proof
  if (Math.abs(at * 1000 - now) > USER_PROOF_SKEW) throw new MeshError('ACCESS_DENIED', 'this proof is too old, or a clock is wrong')
  if (!(await verify(user, statement(relay, device, at), fromBase64url(signature) ?? new Uint8Array())))
    throw new MeshError('ACCESS_DENIED', 'the user key did not sign this')
}
