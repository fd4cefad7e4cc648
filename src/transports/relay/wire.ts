/** Messages of circuit-relay-v2 (libp2p specs, relay/circuit-v2.md): hop, stop and the reservation voucher. Pure; decoders are fuzzed and must throw nothing but MeshError BAD_FRAME. */
import { concat } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { bytesField, type Field, numberField, readFields } from '../../wire/protobuf.ts'

/** HopMessage.Type and StopMessage.Type of the spec. */
export const HOP_TYPE = { reserve: 0, connect: 1, status: 2 } as const
export const STOP_TYPE = { connect: 0, status: 1 } as const

/** Every status of the spec, by the name it has there. */
export const STATUS = {
  OK: 100,
  RESERVATION_REFUSED: 200,
  RESOURCE_LIMIT_EXCEEDED: 201,
  PERMISSION_DENIED: 202,
  CONNECTION_FAILED: 203,
  NO_RESERVATION: 204,
  MALFORMED_MESSAGE: 400,
  UNEXPECTED_MESSAGE: 401,
} as const

export type StatusName = keyof typeof STATUS

/** Name of a status number, or the number as text when the spec has no such status. */
export function statusName(status: number | undefined): StatusName | string {
  for (const [name, number] of Object.entries(STATUS)) if (number === status) return name
  return String(status)
}

export interface WirePeer {
  /** PeerID as multihash bytes. */
  readonly id: Uint8Array
  /** Multiaddrs as bytes, unchecked. */
  readonly addrs: readonly Uint8Array[]
}

export interface WireReservation {
  /** Seconds since 1970. */
  readonly expire: number
  readonly addrs: readonly Uint8Array[]
  /** Signed envelope, opaque to the client. */
  readonly voucher?: Uint8Array
}

export interface WireLimit {
  /** Seconds; 0 or missing = none. */
  readonly duration?: number
  /** Bytes each way; 0 or missing = none. */
  readonly data?: number
}

export interface HopMessage {
  readonly type?: number
  readonly peer?: WirePeer
  readonly reservation?: WireReservation
  readonly limit?: WireLimit
  readonly status?: number
}

export interface StopMessage {
  readonly type?: number
  readonly peer?: WirePeer
  readonly limit?: WireLimit
  readonly status?: number
}

/** Without the length that goes before it. Copies. */
export function encodeHop(message: HopMessage): Uint8Array<ArrayBuffer> {
  const { type, peer, reservation, limit, status } = message
  return concat([
    numberField(1, type),
    bytesField(2, peer && encodePeer(peer)),
    bytesField(3, reservation && encodeReservation(reservation)),
    bytesField(4, limit && encodeLimit(limit)),
    numberField(5, status),
  ])
}

/** BAD_FRAME. The returned byte arrays are copies. */
export function decodeHop(bytes: Uint8Array): HopMessage {
  const fields = readFields(bytes)
  const peer = lastBytes(fields, 2)
  const reservation = lastBytes(fields, 3)
  const limit = lastBytes(fields, 4)
  return {
    type: lastNumber(fields, 1),
    peer: peer && decodePeer(peer),
    reservation: reservation && decodeReservation(reservation),
    limit: limit && decodeLimit(limit),
    status: lastNumber(fields, 5),
  }
}

/** Without the length that goes before it. Copies. */
export function encodeStop(message: StopMessage): Uint8Array<ArrayBuffer> {
  const { type, peer, limit, status } = message
  return concat([numberField(1, type), bytesField(2, peer && encodePeer(peer)), bytesField(3, limit && encodeLimit(limit)), numberField(4, status)])
}

/** BAD_FRAME. The returned byte arrays are copies. */
export function decodeStop(bytes: Uint8Array): StopMessage {
  const fields = readFields(bytes)
  const peer = lastBytes(fields, 2)
  const limit = lastBytes(fields, 3)
  return { type: lastNumber(fields, 1), peer: peer && decodePeer(peer), limit: limit && decodeLimit(limit), status: lastNumber(fields, 4) }
}

export interface Voucher {
  /** Multihash bytes of the relay's and the reserving peer's PeerID. */
  readonly relay: Uint8Array
  readonly peer: Uint8Array
  /** Seconds since 1970. */
  readonly expiration: number
}

/** The payload inside the voucher's signed envelope. */
export function encodeVoucher({ relay, peer, expiration }: Voucher): Uint8Array<ArrayBuffer> {
  return concat([bytesField(1, relay), bytesField(2, peer), numberField(3, expiration)])
}

/** BAD_FRAME also when a part is missing. */
export function decodeVoucher(bytes: Uint8Array): Voucher {
  const fields = readFields(bytes)
  const relay = lastBytes(fields, 1)
  const peer = lastBytes(fields, 2)
  const expiration = lastNumber(fields, 3)
  if (!relay || !peer || expiration === undefined) throw new MeshError('BAD_FRAME', 'voucher without relay, peer or expiration')
  return { relay: relay.slice(), peer: peer.slice(), expiration }
}

function encodePeer({ id, addrs }: WirePeer): Uint8Array {
  return concat([bytesField(1, id), ...addrs.map((addr) => bytesField(2, addr))])
}

function decodePeer(bytes: Uint8Array): WirePeer {
  const fields = readFields(bytes)
  return { id: lastBytes(fields, 1)?.slice() ?? new Uint8Array(0), addrs: allBytes(fields, 2) }
}

function encodeReservation({ expire, addrs, voucher }: WireReservation): Uint8Array {
  return concat([numberField(1, expire), ...addrs.map((addr) => bytesField(2, addr)), bytesField(3, voucher)])
}

function decodeReservation(bytes: Uint8Array): WireReservation {
  const fields = readFields(bytes)
  return { expire: lastNumber(fields, 1) ?? 0, addrs: allBytes(fields, 2), voucher: lastBytes(fields, 3)?.slice() }
}

function encodeLimit({ duration, data }: WireLimit): Uint8Array {
  return concat([numberField(1, duration), numberField(2, data)])
}

function decodeLimit(bytes: Uint8Array): WireLimit {
  const fields = readFields(bytes)
  return { duration: lastNumber(fields, 1), data: lastNumber(fields, 2) }
}

/** proto3: the last one of a repeated singular field counts. */
function lastNumber(fields: readonly Field[], tag: number): number | undefined {
  const field = fields.findLast((one) => one.tag === tag && 'number' in one)
  return field && 'number' in field ? field.number : undefined
}

function lastBytes(fields: readonly Field[], tag: number): Uint8Array | undefined {
  const field = fields.findLast((one) => one.tag === tag && 'bytes' in one)
  return field && 'bytes' in field ? field.bytes : undefined
}

function allBytes(fields: readonly Field[], tag: number): Uint8Array[] {
  const out: Uint8Array[] = []
  for (const field of fields) if (field.tag === tag && 'bytes' in field) out.push(field.bytes.slice())
  return out
}
