/** STUN responder (RFC 8489, Binding only): tells a browser its public address, so that no third party has to. Holds no state per client; must never answer with more than MAX_AMPLIFICATION times what came. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import type { Clock } from '../../src/shared/clock.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { prefixOf } from '../../src/shared/ip-prefix.ts'
import type { Log } from '../../src/shared/log.ts'
import { createRateLimiter } from '../../src/shared/rate-limit.ts'
import { MAX_AMPLIFICATION, MAX_REQUEST, MAX_UNKNOWN, PER_PREFIX, TOTAL } from './limits.ts'
import { ATTRIBUTE, decodeStun, encodeStun, errorCode, type StunMessage, TYPE, unknownAttributes, xorMappedAddress } from './wire.ts'

export interface StunServerOptions {
  /** IP address and UDP port of each socket; port 0 takes a free one. An IPv6 socket takes IPv6 only. */
  readonly listen: readonly { readonly host: string; readonly port: number }[]
  readonly clock: Clock
  readonly log: Log
  /** Answers a minute. Default PER_PREFIX and TOTAL. */
  readonly limits?: { readonly perPrefix?: number; readonly total?: number }
}

export interface StunCounters {
  /** Datagrams. */
  received: number
  /** Binding success responses. */
  answered: number
  /** 420 responses. */
  refused: number
  /** Not a Binding request, or malformed. */
  malformed: number
  /** Over a limit. */
  limited: number
}

export interface StunServer {
  /** Where it listens, in the order of `listen`. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  readonly counters: Readonly<StunCounters>
  close(): Promise<void>
}

/** Resolves once all sockets are bound. PORT_IN_USE. */
export async function createStunServer(options: StunServerOptions): Promise<StunServer> {
  const { clock, log, limits } = options
  const counters: StunCounters = { received: 0, answered: 0, refused: 0, malformed: 0, limited: 0 }
  const limiter = createRateLimiter(clock, { startsPerPrefix: limits?.perPrefix ?? PER_PREFIX, starts: limits?.total ?? TOTAL })
  const sockets: Socket[] = []
  const close = async () => {
    await Promise.all(sockets.splice(0).map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
  }
  const onMessage = (socket: Socket, data: Uint8Array, remote: RemoteInfo) => {
    counters.received++
    const message = data.byteLength <= MAX_REQUEST ? decodeStun(data) : undefined
    const answer = message && remote.port > 0 ? answerTo(message, remote) : undefined
    if (!answer || answer.bytes.byteLength > MAX_AMPLIFICATION * data.byteLength) return void counters.malformed++
    const end = limiter.start(prefixOf(remote.address))
    if (!end) return void counters.limited++
    end()
    counters[answer.kind]++
    socket.send(answer.bytes, remote.port, remote.address, (error) => {
      if (error) log('stun.send.failed', { code: (error as NodeJS.ErrnoException).code }, 'debug')
    })
  }
  try {
    for (const site of options.listen) sockets.push(await bind(site, log, onMessage))
  } catch (error) {
    await close()
    throw error
  }
  const addresses = sockets.map((socket) => ({ host: socket.address().address, port: socket.address().port }))
  return { addresses, counters, close }
}

async function bind(
  { host, port }: { host: string; port: number },
  log: Log,
  onMessage: (socket: Socket, data: Uint8Array, remote: RemoteInfo) => void,
): Promise<Socket> {
  const socket = isIP(host) === 6 ? createSocket({ type: 'udp6', ipv6Only: true }) : createSocket('udp4')
  socket.on('message', (data, remote) => onMessage(socket, data, remote))
  try {
    const listening = once(socket, 'listening')
    socket.bind(port, host)
    await listening
  } catch (error) {
    socket.close()
    throw new MeshError('PORT_IN_USE', `STUN on UDP ${host}:${port}: ${(error as Error).message}`, { cause: error })
  }
  socket.on('error', (error: NodeJS.ErrnoException) => log('stun.socket.failed', { code: error.code }, 'warn'))
  return socket
}

/** Attributes below 0x8000 that a request may carry; whatever else is in that range must be understood or refused (RFC 8489 §6.3.1). */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  ATTRIBUTE.USERNAME,
  ATTRIBUTE.MESSAGE_INTEGRITY,
  ATTRIBUTE.PRIORITY,
  ATTRIBUTE.USE_CANDIDATE,
  0x0014,
  0x0015,
  0x001c,
  0x001d,
  0x001e,
])

/** Undefined for everything but a Binding request. */
function answerTo(
  { type, transaction, attributes }: StunMessage,
  remote: RemoteInfo,
): { readonly kind: 'answered' | 'refused'; readonly bytes: Uint8Array } | undefined {
  if (type !== TYPE.BINDING_REQUEST) return undefined
  const unknown = attributes.map((attribute) => attribute.type).filter((each) => each < 0x8000 && !UNDERSTOOD.has(each))
  if (unknown.length > 0) {
    const named = unknownAttributes(unknown.slice(0, MAX_UNKNOWN))
    const answer = [
      { type: ATTRIBUTE.ERROR_CODE, value: errorCode(420) },
      { type: ATTRIBUTE.UNKNOWN_ATTRIBUTES, value: named },
    ]
    return { kind: 'refused', bytes: encodeStun({ type: TYPE.BINDING_ERROR, transaction, attributes: answer }) }
  }
  const value = xorMappedAddress(transaction, remote.address.replace(/%.*$/, ''), remote.port)
  return {
    kind: 'answered',
    bytes: encodeStun({ type: TYPE.BINDING_SUCCESS, transaction, attributes: [{ type: ATTRIBUTE.XOR_MAPPED_ADDRESS, value }] }),
  }
}
