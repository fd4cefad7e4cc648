/** Finds libp2p's peers on the same network and is found by them (libp2p discovery/mdns, RFC 6762), over IPv4. Sends nothing before it is started; hands on only addresses of the computer that spoke. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { peerOfAddress } from '../../core/address.ts'
import { formatAddress, parseAddress } from '../../core/address-parts.ts'
import { backoff } from '../../core/backoff.ts'
import { sleep } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { createRateLimiter } from '../../shared/rate-limit.ts'
import { AGAIN, ANSWER_GAP, FOUND_A_MINUTE, MAX_ADDRESSES, MAX_FOUND, MAX_INTERFACES, QUESTION } from './limits.ts'
import { decodePacket, encodeAnswer, encodeQuestion, type Packet } from './wire.ts'

const GROUP = '224.0.0.251'
const PORT = 5353

export interface MdnsOptions {
  readonly me: string
  /** Multiaddr texts of this peer, asked at each answer. */
  readonly addresses: () => readonly string[]
  /** A peer of this network, at most once in a while each: canonical multiaddr texts that end in /p2p/<peer>, one or more. */
  readonly found: (peer: string, addresses: readonly string[]) => void
  readonly clock: Clock
  readonly log: Log
  /** [0, 1). Default Math.random. */
  readonly random?: () => number
}

interface Place {
  readonly ip: string
  readonly socket: Socket
  answered: number
}

/** Runs until it is closed. An interface that refuses is left out, with a word in the log. */
export function startMdns(options: MdnsOptions): { close(): Promise<void> } {
  const { clock, log, random = Math.random } = options
  const stop = new AbortController()
  const instance = randomLabel(random)
  const hand = createHand(options)
  const places: Place[] = []
  const hear = (place: Place, bytes: Uint8Array, from: RemoteInfo) => {
    // Whoever speaks mDNS speaks from its port (RFC 6762 §11); others would be answered alone, which libp2p does not need.
    if (from.port !== PORT) return
    const packet = decoded(bytes, log)
    if (packet?.asks) answer(place)
    for (const [name, addresses] of packet?.told ?? []) if (!name.startsWith(`${instance}.`)) hand(from.address, addresses)
  }
  const answer = (place: Place) => {
    const now = clock.monotonic()
    if (now - place.answered < ANSWER_GAP) return
    const addresses = reachableAt(options.addresses(), place.ip)
    if (addresses.length === 0) return
    place.answered = now
    send(place, encodeAnswer(instance, place.ip, addresses))
  }
  const send = ({ socket, ip }: Place, bytes: Uint8Array) =>
    socket.send(bytes, PORT, GROUP, (error) => error && log('mdns.send.failed', { ip, code: codeOf(error) }, 'debug'))
  for (const ip of ownAddresses()) places.push(open(ip, hear, log, (place) => answer(place)))
  const asking = (async () => {
    for (let attempt = 1; ; attempt++) {
      for (const place of places) send(place, encodeQuestion())
      await sleep(clock, backoff(attempt, random(), QUESTION), stop.signal)
    }
  })().catch(() => undefined)
  log('mdns.started', { interfaces: places.length })
  return {
    async close() {
      stop.abort()
      await asking
      await Promise.all(places.map(({ socket }) => new Promise<void>((done) => socket.close(done))))
    },
  }
}

/** `ready` once the socket listens: what is here now is told without being asked. */
function open(ip: string, hear: (place: Place, bytes: Uint8Array, from: RemoteInfo) => void, log: Log, ready: (place: Place) => void): Place {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  const place: Place = { ip, socket, answered: Number.NEGATIVE_INFINITY }
  socket.on('error', (error) => log('mdns.socket.failed', { ip, message: error.message }, 'warn'))
  socket.on('message', (bytes, from) => hear(place, bytes, from))
  socket.bind(PORT, () => {
    try {
      socket.addMembership(GROUP, ip)
      socket.setMulticastInterface(ip)
      socket.setMulticastTTL(255)
      ready(place)
    } catch (error) {
      log('mdns.interface.refused', { ip, message: String((error as Error).message) }, 'warn')
    }
  })
  return place
}

function decoded(bytes: Uint8Array, log: Log): Packet | undefined {
  try {
    return decodePacket(bytes)
  } catch (error) {
    log('mdns.packet.bad', { code: codeOf(error) }, 'debug')
    return undefined
  }
}

/** Others may invent peers: only addresses of the sender itself count, each peer once in a while, and all together so many a minute. */
function createHand({ me, found, clock }: MdnsOptions): (sender: string, texts: readonly string[]) => void {
  const seen = new Map<string, number>()
  const rate = createRateLimiter(clock, { startsPerPrefix: FOUND_A_MINUTE, starts: FOUND_A_MINUTE })
  return (sender, texts) => {
    const addresses = texts.slice(0, MAX_ADDRESSES).flatMap((text) => canonical(text, sender))
    const peer = peerOfAddress(addresses[0] ?? '')
    if (!peer || peer === me || clock.monotonic() - (seen.get(peer) ?? Number.NEGATIVE_INFINITY) < AGAIN || !rate.start('')) return
    seen.delete(peer)
    seen.set(peer, clock.monotonic())
    if (seen.size > MAX_FOUND) seen.delete(seen.keys().next().value as string)
    found(
      peer,
      addresses.filter((address) => peerOfAddress(address) === peer),
    )
  }
}

/** Nothing for what is no address, is of another computer, or leads through somebody. */
function canonical(text: string, sender: string): readonly string[] {
  try {
    const parts = parseAddress(text)
    const own = parts[0]?.name === 'ip4' && parts[0].value === sender && !parts.some(({ name }) => name === 'p2p-circuit')
    return own ? [formatAddress(parts)] : []
  } catch {
    return []
  }
}

/** Of this peer's addresses those on this interface. */
function reachableAt(addresses: readonly string[], ip: string): readonly string[] {
  return addresses.filter((text) => text.startsWith(`/ip4/${ip}/`) && peerOfAddress(text) && !text.includes('/p2p-circuit')).slice(0, MAX_ADDRESSES)
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    .slice(0, MAX_INTERFACES)
}

/** New at each start, so that it tells nothing about who this is. */
function randomLabel(random: () => number): string {
  return Array.from({ length: 32 }, () => Math.floor(random() * 36).toString(36)).join('')
}
