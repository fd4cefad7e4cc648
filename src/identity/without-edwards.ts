/**
 * Stands in for `@noble/curves/ed25519.js` where @libp2p/crypto and @libp2p/noise import it in the browser build (vite.config.ts): what they need at the start is X25519;
 * signatures are WebCrypto's, and the curve is fetched when there is a browser without. Must never sign: a peer's key is not libp2p's to hold.
 */
import { MeshError } from '../shared/errors.ts'

export { x25519 } from './x25519.ts'

function refuse(): never {
  throw new MeshError('NOT_SUPPORTED', 'libp2p makes no keys of its own in a browser')
}

/** @libp2p/crypto awaits what verify gives. */
export const ed25519 = {
  getPublicKey: refuse,
  sign: refuse,
  utils: { randomSecretKey: refuse },
  async verify(signature: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>, publicKey: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { nobleVerify } = await import('./noble.ts')
    return nobleVerify()(publicKey, data, signature)
  },
}
