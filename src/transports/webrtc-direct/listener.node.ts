/** webrtc-direct listener for Node.js: one UDP port, v1 and v2 told apart by the STUN USERNAME. Until noise is done nobody is trusted: credentials are checked first, handshakes are capped and have deadlines. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIP } from 'node:net'
import type { CreateListenerOptions, Listener, ListenerEvents, Upgrader } from '@libp2p/interface'
import { getThinWaistAddresses } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { abortable, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { prefixOf } from '../../shared/ip-prefix.ts'
import type { Log } from '../../shared/log.ts'
import { createRateLimiter } from '../../shared/rate-limit.ts'
import type { DirectCertificate } from './certificate.node.ts'
import { type Components, openHandshake, secureInbound } from './handshake.ts'
import { LISTENER_LIMITS, type ListenerLimits } from './limits.ts'
import { type MuxRequest, openMux } from './mux.node.ts'
import { createMuxerFactory } from './muxer.ts'
import { acceptPeer } from './peer-connection.node.ts'
import type { RtcChannel, RtcPeer } from './rtc.ts'
import { formatCerthash, type Inferred, inferCredentials, type Site } from './wire.ts'

export interface DirectDoorOptions {
  readonly certificate: DirectCertificate
  readonly clock: Clock
  readonly log: Log
  /** Default LISTENER_LIMITS. */
  readonly limits?: Partial<ListenerLimits>
  /** Something but a UDP packet showed that this IP address can be answered at. Such ones have places of their own, which no forged sender can take. Default: none. */
  readonly isProven?: (host: string) => boolean
}

export interface DirectCounters {
  /** STUN requests of unknown dialers. */
  requests: number
  /** Not a dial we understand: bad characters, lengths, version. */
  malformed: number
  /** Over a limit. */
  limited: number
  v1: number
  v2: number
  /** Proved a key and became a connection. */
  accepted: number
  failed: number
}

export interface DirectDoor {
  /** For `createWebRtcDirect({ createListener })`. */
  createListener(options: CreateListenerOptions, components: Components): Listener
  readonly counters: Readonly<DirectCounters>
  /** Handshakes in progress now. */
  pending(): number
}

interface Context extends Omit<DirectDoorOptions, 'isProven' | 'limits'> {
  readonly limits: ListenerLimits
  readonly counters: DirectCounters
  readonly admit: (host: string) => Place | undefined
  readonly peers: Set<RtcPeer>
}

/** A handshake in progress. */
interface Place {
  /** ms until ICE must be up. */
  readonly ice: number
  leave(): void
}

export function createDirectDoor(options: DirectDoorOptions): DirectDoor {
  const limits = { ...LISTENER_LIMITS, ...options.limits }
  const counters: DirectCounters = { requests: 0, malformed: 0, limited: 0, v1: 0, v2: 0, accepted: 0, failed: 0 }
  const half = Math.ceil(limits.handshakes / 2)
  const shares = {
    startsPerPrefix: limits.startsPerPrefix,
    starts: Math.ceil(limits.starts / 2),
    activePerPrefix: limits.handshakesPerPrefix,
    active: half,
  }
  const [proven, unproven] = [createRateLimiter(options.clock, shares), createRateLimiter(options.clock, shares)]
  const admit = (host: string): Place | undefined => {
    const isProven = options.isProven?.(host) ?? false
    const leave = (isProven ? proven : unproven).start(prefixOf(host))
    return leave && { leave, ice: isProven ? limits.ice : Math.min(limits.ice, limits.iceUnproven) }
  }
  const context = { ...options, limits, counters, admit, peers: new Set<RtcPeer>() }
  return {
    counters,
    pending: () => proven.active() + unproven.active(),
    createListener: ({ upgrader }, components) => createListener({ ...context, peers: new Set() }, upgrader, components),
  }
}

function createListener(context: Context, upgrader: Upgrader, components: Components): Listener {
  const events = new TypedEventEmitter<ListenerEvents>()
  const stopped = new AbortController()
  const suffix = `/webrtc-direct/certhash/${formatCerthash(context.certificate.fingerprint)}`
  let release: (() => void) | undefined
  let address: Multiaddr | undefined
  let port = 0
  return Object.assign(events, {
    async listen(wanted: Multiaddr) {
      const site = siteOf(wanted)
      port = site.port || (await freePort(site.host))
      const listening = { host: site.host, port }
      const inProgress = new Set<string>()
      const start: Start = (dialer, inferred, ice) => accept({ context, listening, dialer, inferred, ice }, upgrader, components, stopped.signal)
      release = openMux(listening, (request) => onRequest(context, inProgress, request, start))
      address = wanted
      events.safeDispatchEvent('listening')
    },
    getAddrs: () => (release && address ? reached(address, port).map((each) => each.encapsulate(suffix)) : []),
    updateAnnounceAddrs(addresses: Multiaddr[]) {
      for (const [index, each] of addresses.entries()) {
        const text = each.toString()
        if (/\/webrtc-direct(\/p2p\/[^/]+)?$/.test(text)) addresses[index] = multiaddr(text.replace('/webrtc-direct', suffix))
      }
    },
    async close() {
      stopped.abort()
      release?.()
      release = undefined
      for (const peer of context.peers) peer.close()
      context.peers.clear()
      events.safeDispatchEvent('close')
    },
  })
}

/** The native socket of the IPv6 wildcard takes IPv4 as well. */
function reached(address: Multiaddr, port: number): readonly Multiaddr[] {
  const all = siteOf(address).host === '::' ? [address, multiaddr(`/ip4/0.0.0.0/udp/${port}`)] : [address]
  return all.flatMap((each) => getThinWaistAddresses(each, port))
}

function siteOf(address: Multiaddr): Site {
  const [ip, udp] = address.getComponents()
  if (!ip?.value || isIP(ip.value) === 0 || udp?.name !== 'udp') throw new MeshError('BAD_ARGUMENT', `not an address to listen on: ${address}`)
  return { host: ip.value, port: Number(udp.value) }
}

/** The native listener cannot say which port it got for 0. */
async function freePort(host: string): Promise<number> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

type Start = (dialer: Site, inferred: Inferred, ice: number) => Promise<void>

/** Everything here is chosen by whoever sent the packet. */
function onRequest(context: Context, inProgress: Set<string>, request: MuxRequest, start: Start): void {
  const { counters, log } = context
  counters.requests++
  const { host, port } = request
  const inferred = inferCredentials(request.localUfrag, request.ufrag)
  // A zone ("%eth0") has no place in SDP.
  if (!inferred || isIP(host) === 0 || host.includes('%') || !(port > 0 && port < 65_536)) return void counters.malformed++
  const key = inferred.server.ufrag
  if (inProgress.has(key)) return
  const place = context.admit(host)
  if (!place) return void counters.limited++
  inProgress.add(key)
  counters[inferred.version === 1 ? 'v1' : 'v2']++
  start({ host, port }, inferred, place.ice)
    .then(
      () => void counters.accepted++,
      (error: unknown) => {
        counters.failed++
        log('webrtc-direct.handshake.failed', { version: inferred.version, code: codeOf(error) }, 'debug')
      },
    )
    .finally(() => {
      inProgress.delete(key)
      place.leave()
    })
}

interface Call {
  readonly context: Context
  readonly listening: Site
  readonly dialer: Site
  readonly inferred: Inferred
  /** ms */
  readonly ice: number
}

async function accept(call: Call, upgrader: Upgrader, components: Components, stopped: AbortSignal): Promise<void> {
  const { context, listening, dialer, inferred } = call
  const { certificate, clock, limits, peers } = context
  const accepted = acceptPeer(certificate, listening, dialer, inferred)
  const { peer } = accepted
  peers.add(peer)
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'closed') peers.delete(peer)
  })
  try {
    await withDeadline(clock, limits.handshake, 'webrtc-direct handshake', stopped, async (signal) => {
      const channel = peer.createDataChannel('', { negotiated: true, id: 0 })
      const link = { peer, handshake: openHandshake(channel, components, clock), muxerFactory: createMuxerFactory(peer, clock) }
      const opened = openOf(peer, channel)
      const ice = withDeadline(clock, call.ice, 'ICE with the dialer', signal, (within) => iceUp(peer, within))
      accepted.negotiate()
      await Promise.all([ice, abortable(opened, signal)])
      const fingerprints = { client: accepted.remoteFingerprint(), server: certificate.fingerprint }
      const address = multiaddr(`/${isIP(dialer.host) === 6 ? 'ip6' : 'ip4'}/${dialer.host}/udp/${dialer.port}/webrtc-direct`)
      await secureInbound(link, { fingerprints, components, upgrader, address, signal, clock })
    })
  } catch (error) {
    peers.delete(peer)
    peer.close()
    throw error
  }
}

function iceUp(peer: RtcPeer, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = () => {
    if (peer.iceConnectionState === 'connected' || peer.iceConnectionState === 'completed') resolve()
  }
  peer.addEventListener('iceconnectionstatechange', look)
  look()
  return abortable(promise, signal).finally(() => peer.removeEventListener('iceconnectionstatechange', look))
}

function openOf(peer: RtcPeer, channel: RtcChannel): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  channel.addEventListener('open', () => resolve())
  peer.addEventListener('connectionstatechange', () => {
    if (peer.connectionState === 'failed' || peer.connectionState === 'closed') reject(new MeshError('PEER_UNREACHABLE', 'the dialer went away'))
  })
  promise.catch(() => undefined)
  return promise
}
