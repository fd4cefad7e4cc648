/** Packets of mDNS (RFC 1035 §4, RFC 6762, RFC 6763) as far as libp2p's discovery needs them: a PTR question; PTR, SRV, TXT and A records. Pure; never trusts a length or a pointer. */
import { fromUtf8, toUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_INCOMING, MAX_JUMPS, MAX_PACKET, MAX_RECORDS, TTL } from './limits.ts'

/** What libp2p's peers ask for and answer (libp2p discovery/mdns spec). */
export const SERVICE = '_p2p._udp.local'

const PREFIX = 'dnsaddr='
const TYPE = { a: 1, ptr: 12, txt: 16, srv: 33 } as const
const IN = 1
const UNICAST_OR_FLUSH = 0x8000
const RESPONSE = 0x8400 // QR, AA
const PORT = 4001 // SRV wants one; nobody reads it
const HEADER = 12

export interface Packet {
  /** Asked for the service. */
  readonly asks: boolean
  /** Addresses told by instance, of answers only. */
  readonly told: ReadonlyMap<string, readonly string[]>
}

/** One question for the service. */
export function encodeQuestion(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...header(0, 1, 0), ...nameBytes(SERVICE), ...short(TYPE.ptr), ...short(IN)])
}

/** The answer of one peer on one interface. Addresses that do not fit into the packet any more are left out; the first are kept. */
export function encodeAnswer(instance: string, ip: string, addresses: readonly string[]): Uint8Array<ArrayBuffer> {
  const own = `${instance}.${SERVICE}`
  const host = `${instance}.local`
  const pointer = record(SERVICE, TYPE.ptr, nameBytes(own))
  // Others show a service only when its host has an address.
  const server = [
    ...record(own, TYPE.srv, [...short(0), ...short(0), ...short(PORT), ...nameBytes(host)]),
    ...record(host, TYPE.a, ip.split('.').map(Number)),
  ]
  const texts: number[] = []
  const room = MAX_PACKET - HEADER - pointer.length - server.length - nameBytes(own).length - 10
  for (const address of addresses) {
    const text = toUtf8(PREFIX + address)
    if (text.byteLength <= 255 && texts.length + 1 + text.byteLength <= room) texts.push(text.byteLength, ...text)
  }
  return Uint8Array.from([...header(RESPONSE, 0, 4), ...pointer, ...server, ...record(own, TYPE.txt, texts)])
}

/** BAD_FRAME for what is no DNS packet. Records of other services and types are passed over. */
export function decodePacket(bytes: Uint8Array): Packet {
  if (bytes.byteLength > MAX_INCOMING || bytes.byteLength < HEADER) throw new MeshError('BAD_FRAME', `an mDNS packet of ${bytes.byteLength} bytes`)
  const reader = createReader(bytes)
  reader.short() // id
  const isResponse = (reader.short() & 0x8000) !== 0
  const questions = reader.short()
  const records = reader.short() + reader.short() + reader.short()
  if (questions + records > MAX_RECORDS) throw new MeshError('BAD_FRAME', `${questions + records} records in one mDNS packet`)
  let asks = false
  for (let i = 0; i < questions; i++) {
    const name = reader.name()
    const type = reader.short()
    const isIn = (reader.short() & ~UNICAST_OR_FLUSH) === IN
    if (!isResponse && isIn && type === TYPE.ptr && name === SERVICE) asks = true
  }
  const told = new Map<string, string[]>()
  for (let i = 0; i < records; i++) {
    const name = reader.name()
    const type = reader.short()
    reader.short()
    reader.skip(4)
    const data = reader.take(reader.short())
    if (isResponse && type === TYPE.txt && name.endsWith(`.${SERVICE}`)) told.set(name, [...(told.get(name) ?? []), ...addressesOf(data)])
  }
  return { asks, told }
}

function addressesOf(data: Uint8Array): readonly string[] {
  const texts: string[] = []
  for (let at = 0; at < data.byteLength; ) {
    const length = data[at++] ?? 0
    const text = fromUtf8(data.subarray(at, at + length))
    if (text?.startsWith(PREFIX)) texts.push(text.slice(PREFIX.length))
    at += length
  }
  return texts
}

function createReader(bytes: Uint8Array) {
  let at = 0
  const need = (count: number, from: number) => {
    if (from + count > bytes.byteLength) throw new MeshError('BAD_FRAME', 'an mDNS packet ends too early')
  }
  const shortAt = (from: number) => {
    need(2, from)
    return ((bytes[from] ?? 0) << 8) | (bytes[from + 1] ?? 0)
  }
  const take = (count: number) => {
    need(count, at)
    at += count
    return bytes.subarray(at - count, at)
  }
  /** Lower case, without the dot at the end. */
  const name = () => {
    const labels: string[] = []
    let from = at
    let jumps = 0
    let chars = 0
    for (;;) {
      need(1, from)
      const length = bytes[from] ?? 0
      if (length >= 0xc0) {
        const to = shortAt(from) & 0x3fff
        if (to >= from || ++jumps > MAX_JUMPS) throw new MeshError('BAD_FRAME', 'a name of an mDNS packet leads nowhere')
        if (jumps === 1) at = from + 2
        from = to
        continue
      }
      need(1 + length, from)
      chars += 1 + length
      if (length >= 0x40 || chars > 255) throw new MeshError('BAD_FRAME', 'a name of an mDNS packet is too long')
      from += 1 + length
      if (length === 0) break
      labels.push(String.fromCharCode(...bytes.subarray(from - length, from)).toLowerCase())
    }
    if (jumps === 0) at = from
    return labels.join('.')
  }
  const short = () => {
    at += 2
    return shortAt(at - 2)
  }
  return { short, take, name, skip: (count: number) => void take(count) }
}

function header(flags: number, questions: number, answers: number): readonly number[] {
  return [0, 0, ...short(flags), ...short(questions), ...short(answers), 0, 0, 0, 0]
}

function record(name: string, type: number, data: readonly number[]): readonly number[] {
  return [...nameBytes(name), ...short(type), ...short(IN), 0, 0, ...short(TTL), ...short(data.length), ...data]
}

function nameBytes(name: string): readonly number[] {
  return [...name.split('.').flatMap((label) => [label.length, ...toUtf8(label)]), 0]
}

function short(value: number): readonly number[] {
  return [value >> 8, value & 0xff]
}
