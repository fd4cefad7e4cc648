/** A client of TURN with TCP allocations (RFC 8656, RFC 6062), as far as B4 needs one: two TCP sockets joined by the server. No credentials: the server is ours. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const COOKIE = 0x2112a442
const TYPE = { allocate: 0x0003, permission: 0x0008, bind: 0x000b, attempt: 0x001c } as const
const SUCCESS = 0x0100
const ATTRIBUTE = { peer: 0x0012, relayed: 0x0016, transport: 0x0019, connection: 0x002a } as const
const TCP = 6 // protocol number
/** ms for any answer. */
const ANSWER_MS = 5_000

type Attributes = ReadonlyMap<number, Buffer>

/** `a` and `b` carry each other's bytes through the server. The caller destroys all three. */
export async function joinByTurn(port: number): Promise<{ readonly a: Socket; readonly b: Socket; readonly control: readonly Socket[] }> {
  const control = await open(port)
  const transport = Buffer.of(TCP, 0, 0, 0)
  const allocated = await ask(control, TYPE.allocate, [[ATTRIBUTE.transport, transport]])
  const relayed = (allocated.get(ATTRIBUTE.relayed) as Buffer).readUInt16BE(2) ^ (COOKIE >>> 16)
  await ask(control, TYPE.permission, [[ATTRIBUTE.peer, address('127.0.0.1', 0)]])
  const attempt = next(control, TYPE.attempt)
  const b = await open(relayed)
  const connection = (await attempt).get(ATTRIBUTE.connection) as Buffer
  const a = await open(port)
  await ask(a, TYPE.bind, [[ATTRIBUTE.connection, connection]])
  return { a, b, control: [control] }
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

function address(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes[1] = 1 // IPv4
  bytes.writeUInt16BE(port ^ (COOKIE >>> 16), 2)
  const ip = host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  bytes.writeUInt32BE((ip ^ COOKIE) >>> 0, 4)
  return bytes
}

async function ask(socket: Socket, type: number, attributes: readonly (readonly [number, Buffer])[]): Promise<Attributes> {
  const body = Buffer.concat(
    attributes.map(([name, value]) => {
      const bytes = Buffer.alloc(4 + Math.ceil(value.byteLength / 4) * 4)
      bytes.writeUInt16BE(name, 0)
      bytes.writeUInt16BE(value.byteLength, 2)
      value.copy(bytes, 4)
      return bytes
    }),
  )
  const head = Buffer.alloc(8)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.byteLength, 2)
  head.writeUInt32BE(COOKIE, 4)
  const answer = next(socket, type | SUCCESS)
  socket.write(Buffer.concat([head, randomBytes(12), body]))
  return answer
}

/** One whole message: the server sends each by itself. */
async function next(socket: Socket, type: number): Promise<Attributes> {
  const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_MS) })) as [Buffer]
  if (bytes.readUInt16BE(0) !== type) throw new Error(`TURN answered ${bytes.readUInt16BE(0).toString(16)} instead of ${type.toString(16)}`)
  const attributes = new Map<number, Buffer>()
  for (let at = 20; at + 4 <= bytes.byteLength; ) {
    const length = bytes.readUInt16BE(at + 2)
    attributes.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length))
    at += 4 + Math.ceil(length / 4) * 4
  }
  return attributes
}
