/** Messages of libp2p's kad-dht (specs/kad-dht) as they are: varint length | protobuf. Pure; everything from outside is checked here, once. What is not one of ours is skipped as protobuf asks. */
import { multiaddr } from '@multiformats/multiaddr'
import { base58btc } from 'multiformats/bases/base58'
import { concat, equal } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { bytesField, type Field, numberField, readFields } from '../../wire/protobuf.ts'
import { CLOSER, MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_ENTRY, MAX_KEY } from './limits.ts'

/** Message.MessageType of the spec. Providers are not used here. */
export const TYPE = { put: 0, get: 1, find: 4, ping: 5 } as const
export type KadType = (typeof TYPE)[keyof typeof TYPE]

/** Another relay, and where it is. */
export interface KadPeer {
  /** PeerID, base58. */
  readonly id: string
  /** Multiaddr texts. */
  readonly addresses: readonly string[]
}

export interface KadMessage {
  readonly type: KadType
  readonly key: Uint8Array
  /** Value of the record. */
  readonly value?: Uint8Array
  readonly closer: readonly KadPeer[]
}

const MAX_ID = 64 // bytes of a multihash; ours have 38

/** Without its length. */
export function encodeKad({ type, key, value, closer }: KadMessage): Uint8Array<ArrayBuffer> {
  const record = value && concat([bytesField(1, key), bytesField(2, value)])
  const peers = closer.slice(0, CLOSER).map((peer) => bytesField(8, encodePeer(peer)))
  return concat([numberField(1, type), bytesField(2, key), bytesField(3, record), ...peers])
}

function encodePeer({ id, addresses }: KadPeer): Uint8Array {
  const known = addresses.slice(0, MAX_ADDRESSES).flatMap((text) => {
    const bytes = addressBytes(text)
    return bytes && bytes.byteLength <= MAX_ADDRESS_BYTES ? [bytesField(2, bytes)] : []
  })
  return concat([bytesField(1, base58btc.baseDecode(id)), ...known])
}

function addressBytes(text: string): Uint8Array | undefined {
  try {
    return multiaddr(text).bytes
  } catch {
    return undefined
  }
}

/** BAD_FRAME. Addresses that we cannot read, and relays above the cap, are left out. */
export function decodeKad(bytes: Uint8Array): KadMessage {
  const fields = readFields(bytes)
  const type = numberOf(fields, 1) ?? TYPE.put
  if (!Object.values<number>(TYPE).includes(type)) throw new MeshError('BAD_FRAME', `kad message of type ${type}`)
  const key = bytesOf(fields, 2) ?? new Uint8Array(0)
  if (key.byteLength > MAX_KEY) throw new MeshError('BAD_FRAME', `key of ${key.byteLength} bytes`)
  const record = bytesOf(fields, 3)
  const value = record && bytesOf(readFields(record), 2)
  if (value && value.byteLength > MAX_ENTRY) throw new MeshError('BAD_FRAME', `record of ${value.byteLength} bytes`)
  const closer = allOf(fields, 8)
    .slice(0, CLOSER)
    .flatMap((peer) => decodePeer(peer) ?? [])
  return { type: type as KadType, key: key.slice(), ...(value ? { value: value.slice() } : {}), closer }
}

function decodePeer(bytes: Uint8Array): KadPeer | undefined {
  const fields = readFields(bytes)
  const id = bytesOf(fields, 1)
  if (!id || id.byteLength === 0 || id.byteLength > MAX_ID) return undefined
  const addresses = allOf(fields, 2)
    .slice(0, MAX_ADDRESSES)
    .flatMap((address) => (address.byteLength <= MAX_ADDRESS_BYTES ? (addressText(address) ?? []) : []))
  return { id: base58btc.baseEncode(id), addresses }
}

/** Only of those that the text means too: bytes such as an empty unix path have a text that is no address. */
function addressText(bytes: Uint8Array): string | undefined {
  try {
    const text = multiaddr(bytes.slice()).toString()
    return equal(multiaddr(text).bytes, bytes) ? text : undefined
  } catch {
    return undefined
  }
}

/** The last one counts, as protobuf says. */
function numberOf(fields: readonly Field[], tag: number): number | undefined {
  return fields.findLast((field): field is Field & { readonly number: number } => field.tag === tag && 'number' in field)?.number
}

function bytesOf(fields: readonly Field[], tag: number): Uint8Array | undefined {
  return allOf(fields, tag).at(-1)
}

function allOf(fields: readonly Field[], tag: number): Uint8Array[] {
  return fields.flatMap((field) => (field.tag === tag && 'bytes' in field ? [field.bytes] : []))
}
