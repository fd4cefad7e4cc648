/** Stands in for `@noble/curves/secp256k1.js` in the browser build (vite.config.ts): @libp2p/crypto carries that curve for peers of other networks with secp256k1 keys, and no DMesh peer has one. Must fail loudly, never accept. */
import { MeshError } from '../shared/errors.ts'

function refuse(): never {
  throw new MeshError('NOT_SUPPORTED', 'peers with secp256k1 keys are not supported in the browser')
}

export const secp256k1 = {
  sign: refuse,
  verify: refuse,
  getPublicKey: refuse,
  utils: { randomSecretKey: refuse },
  Point: { fromBytes: refuse },
}
