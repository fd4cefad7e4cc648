/** A libp2p node without manners: its identify answers are ours to write. Loopback only. */
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { concat, toUtf8 } from '../../src/shared/bytes.ts'
import { encodeFrame } from '../../src/wire/frame.ts'
import { FOREIGN } from '../../src/wire/ids.ts'
import { bytesField } from '../../src/wire/protobuf.ts'

/** Fields of identify (libp2p specs, identify): 1 publicKey, 2 listenAddrs, 3 protocols, 8 signedPeerRecord. */
export interface Claims {
  readonly publicKey?: Uint8Array
  readonly listenAddrs?: readonly Uint8Array[]
  readonly protocols?: readonly string[]
  readonly signedPeerRecord?: Uint8Array
}

export function identifyMessage({ publicKey, listenAddrs = [], protocols = [], signedPeerRecord }: Claims): Uint8Array<ArrayBuffer> {
  return concat([
    bytesField(1, publicKey),
    ...listenAddrs.map((address) => bytesField(2, address)),
    ...protocols.map((protocol) => bytesField(3, toUtf8(protocol))),
    bytesField(8, signedPeerRecord),
  ])
}

export interface EvilNode {
  readonly node: Libp2p
  readonly privateKey: PrivateKey
  /** How often it was asked who it is. */
  asked(): number
}

/** `claims` answers each question who it is, as several frames where it gives several. */
export async function startEvil(claims: (privateKey: PrivateKey) => readonly Claims[] | Promise<readonly Claims[]>): Promise<EvilNode> {
  const privateKey = await generateKeyPair('Ed25519')
  const node = await createLibp2p({
    privateKey,
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
  })
  let asked = 0
  const say = async (stream: Stream, all: readonly Claims[]) => {
    // Without its key an answer is refused before anything else in it is looked at.
    const own = { publicKey: publicKeyToProtobuf(privateKey.publicKey) }
    for (const each of all) if (!stream.send(encodeFrame(identifyMessage({ ...own, ...each })))) await stream.onDrain()
    await stream.close()
  }
  await node.handle(FOREIGN.identify, async (stream) => {
    asked++
    await say(stream, await claims(privateKey)).catch(() => undefined)
  })
  // Whoever answers no ping is cut as dead.
  await node.handle(FOREIGN.ping, async (stream) => {
    for await (const chunk of stream) stream.send(chunk)
  })
  return { node, privateKey, asked: () => asked }
}
