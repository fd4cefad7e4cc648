/** A client of Syncthing's relay protocol v1 (syncthing docs, "Relay Protocol v1"), as far as B4 needs one: two TCP sockets joined by the relay. */
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'

const MAGIC = 0x9e79bc40
const TYPE = { join: 2, joinSession: 3, response: 4, connect: 5, invitation: 6 } as const
/** ms for any answer. */
const ANSWER_MS = 5_000

interface Client {
  readonly key: Buffer
  readonly cert: Buffer
  /** SHA-256 of the certificate: the device ID. */
  readonly id: Buffer
}

/** `a` and `b` carry each other's bytes through the relay. The caller destroys all that is returned. */
export async function joinBySyncthing(
  port: number,
  keys: string,
): Promise<{ readonly a: Socket; readonly b: Socket; readonly control: readonly Socket[] }> {
  const [host, guest] = [client(keys, 'host'), client(keys, 'guest')]
  const waiting = await secure(port, host)
  const joined = next(waiting)
  waiting.write(message(TYPE.join, Buffer.alloc(0)))
  expectSuccess(await joined)
  const [forHost, calling] = [next(waiting), await secure(port, guest)]
  const forGuest = next(calling)
  calling.write(message(TYPE.connect, opaque(host.id)))
  const [a, b] = await Promise.all([session(port, invitationKey(await forGuest)), session(port, invitationKey(await forHost))])
  return { a, b, control: [waiting, calling] }
}

/** Made once for each directory. */
function client(keys: string, name: string): Client {
  const [key, cert] = [join(keys, `${name}.key`), join(keys, `${name}.pem`)]
  if (!existsSync(cert)) {
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=syncthing']
    execFileSync('openssl', [...make, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  }
  const pem = readFileSync(cert)
  return { key: readFileSync(key), cert: pem, id: createHash('sha256').update(new X509Certificate(pem).raw).digest() }
}

async function secure(port: number, { key, cert }: Client): Promise<Socket> {
  const socket = connectTls({ host: '127.0.0.1', port, key, cert, rejectUnauthorized: false, ALPNProtocols: ['bep-relay'] })
  await once(socket, 'secureConnect')
  return socket
}

async function session(port: number, key: Buffer): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  const answer = next(socket)
  socket.write(message(TYPE.joinSession, opaque(key)))
  expectSuccess(await answer)
  return socket
}

function message(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32BE(MAGIC, 0)
  head.writeUInt32BE(type, 4)
  head.writeUInt32BE(body.byteLength, 8)
  return Buffer.concat([head, body])
}

/** XDR: length, bytes, padding to four. */
function opaque(bytes: Buffer): Buffer {
  const out = Buffer.alloc(4 + Math.ceil(bytes.byteLength / 4) * 4)
  out.writeUInt32BE(bytes.byteLength, 0)
  bytes.copy(out, 4)
  return out
}

async function next(socket: Socket): Promise<{ readonly type: number; readonly body: Buffer }> {
  let held = Buffer.alloc(0)
  for (;;) {
    const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(ANSWER_MS) })) as [Buffer]
    held = Buffer.concat([held, bytes])
    if (held.byteLength >= 12 && held.byteLength >= 12 + held.readUInt32BE(8)) return { type: held.readUInt32BE(4), body: held.subarray(12) }
  }
}

function expectSuccess({ type, body }: { readonly type: number; readonly body: Buffer }): void {
  if (type !== TYPE.response || body.readUInt32BE(0) !== 0) throw new Error(`the relay answered type ${type}, code ${body.readUInt32BE(0)}`)
}

/** The second of the invitation's fields: from, key, address, port, server. */
function invitationKey({ type, body }: { readonly type: number; readonly body: Buffer }): Buffer {
  if (type !== TYPE.invitation) throw new Error(`no invitation but type ${type}, code ${body.readUInt32BE(0)}`)
  const at = 4 + Math.ceil(body.readUInt32BE(0) / 4) * 4
  return body.subarray(at + 4, at + 4 + body.readUInt32BE(at))
}
