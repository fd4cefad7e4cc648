/** A program to run inside a namespace: asks STUN servers, all from one UDP port, which address they see. `node netns-stun.ts HOST:PORT…` prints a JSON array of addresses, null for no answer. */
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import { ATTRIBUTE, decodeStun, encodeStun, TYPE } from '../../relay-server/stun/wire.ts'

/** ms between tries and their number: loss is possible where queues are short. */
const TRY_MS = 300
const TRIES = 5

/** XOR-MAPPED-ADDRESS (RFC 8489 §14.2) as `address:port`. */
function readMapped(value: Uint8Array, transaction: Uint8Array): string {
  const mask = Buffer.concat([Buffer.from('2112a442', 'hex'), transaction])
  const port = ((value[2] as number) ^ (mask[0] as number)) * 256 + ((value[3] as number) ^ (mask[1] as number))
  const bytes = value.subarray(4).map((byte, index) => byte ^ (mask[index] as number))
  if (bytes.length === 4) return `${bytes.join('.')}:${port}`
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] as number) << 8) | (bytes[2 * index + 1] as number)).toString(16))
  return `[${new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)}]:${port}`
}

async function ask(socket: Socket, host: string, port: number): Promise<string | null> {
  const transaction = randomBytes(12)
  const request = encodeStun({ type: TYPE.BINDING_REQUEST, transaction, attributes: [] })
  let mapped: string | null = null
  const listen = (data: Buffer) => {
    if (!data.subarray(8, 20).equals(transaction)) return
    const value = decodeStun(data)?.attributes.find(({ type }) => type === ATTRIBUTE.XOR_MAPPED_ADDRESS)?.value
    if (value) mapped = readMapped(value, transaction)
  }
  socket.on('message', listen)
  for (let tries = 0; tries < TRIES && mapped === null; tries++) {
    socket.send(request, port, host)
    await once(socket, 'message', { signal: AbortSignal.timeout(TRY_MS) }).catch(() => undefined)
  }
  socket.off('message', listen)
  return mapped
}

const servers = process.argv.slice(2).map((text) => /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? [])
const socket = createSocket(isIP(servers[0]?.[1] ?? '') === 6 ? 'udp6' : 'udp4')
socket.bind(0)
await once(socket, 'listening')
const answers: (string | null)[] = []
for (const [, host = '', port] of servers) answers.push(await ask(socket, host, Number(port)))
socket.close()
process.stdout.write(`${JSON.stringify(answers)}\n`)
