/** Dialling: v2 first (no SDP munging), v1 beside it when nobody answers, and the version that worked is remembered per certificate. Must never leave a peer connection behind. */
import type { Connection, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { abortable, abortError, withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { type Components, type Link, openHandshake, secureOutbound } from './handshake.ts'
import { DIAL_TIMEOUT, ICE_TIMEOUT, MAX_REMEMBERED, NEXT_VERSION_AFTER } from './limits.ts'
import { createMuxerFactory } from './muxer.ts'
import type { RtcPeer, RtcPeerConstructor } from './rtc.ts'
import {
  answerSdp,
  fingerprintOf,
  mungeCredentials,
  parseCerthash,
  randomIceChars,
  type Site,
  sdpAttribute,
  serverUfrag,
  type Version,
} from './wire.ts'

export interface DialerOptions {
  readonly RTCPeerConnection: RtcPeerConstructor
  readonly clock: Clock
  readonly log: Log
  readonly components: Components
  /** Only these, in this order. Default [2, 1]. */
  readonly versions?: readonly Version[]
}

export interface Target extends Site {
  readonly certhash: string
  /** PeerID the address ends in. */
  readonly peer: string | undefined
}

/** Parts of `/ip4|ip6/HOST/udp/PORT/webrtc-direct/certhash/HASH[/p2p/ID]`; undefined for anything else. */
export function parseTarget(address: Multiaddr): Target | undefined {
  const parts = address.getComponents()
  const [ip, udp, direct, certhash, peer] = parts
  if ((ip?.name !== 'ip4' && ip?.name !== 'ip6') || udp?.name !== 'udp' || direct?.name !== 'webrtc-direct' || certhash?.name !== 'certhash')
    return undefined
  if (parts.length > 5 || (peer && peer.name !== 'p2p') || !ip.value || !certhash.value) return undefined
  return { host: ip.value, port: Number(udp.value), certhash: certhash.value, peer: peer?.value }
}

interface Attempt extends Link {
  readonly version: Version
  readonly localFingerprint: Uint8Array
}

export type Dial = (address: Multiaddr, init: { readonly upgrader: Upgrader; readonly signal: AbortSignal }) => Promise<Connection>

/** Rejects with PEER_UNREACHABLE, TIMEOUT, KEY_MISMATCH, BAD_ARGUMENT. */
export function createDialer(options: DialerOptions): Dial {
  const { clock, log, components } = options
  const known = new Map<string, Version>()
  return async (address, { upgrader, signal: parent }) => {
    const target = parseTarget(address)
    if (!target) throw new MeshError('BAD_ARGUMENT', `not a webrtc-direct address with certhash: ${address}`)
    const server = parseCerthash(target.certhash)
    return withDeadline(clock, DIAL_TIMEOUT, `webrtc-direct to ${target.host}:${target.port}`, parent, async (signal) => {
      const start = clock.monotonic()
      const attempt = await race(options, target, server, order(options.versions ?? [2, 1], known.get(target.certhash)), signal)
      try {
        const fingerprints = { client: attempt.localFingerprint, server }
        const connection = await secureOutbound(attempt, { fingerprints, components, upgrader, address, expected: target.peer, signal, clock })
        remember(known, target.certhash, attempt.version)
        log('webrtc-direct.dial.opened', { version: attempt.version, ms: Math.round(clock.monotonic() - start) }, 'debug')
        return connection
      } catch (error) {
        attempt.peer.close()
        throw error
      }
    })
  }
}

function order(versions: readonly Version[], first: Version | undefined): readonly Version[] {
  return first !== undefined && versions.includes(first) ? [first, ...versions.filter((version) => version !== first)] : versions
}

function remember(known: Map<string, Version>, certhash: string, version: Version): void {
  known.delete(certhash)
  known.set(certhash, version)
  const oldest = known.keys().next().value
  if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest)
}

/** The first version whose channel opens; the others are closed. The next one starts when an earlier one failed or got no ICE answer for NEXT_VERSION_AFTER. */
async function race(options: DialerOptions, target: Target, server: Uint8Array, versions: readonly Version[], signal: AbortSignal): Promise<Attempt> {
  const losers = new AbortController()
  const peers: RtcPeer[] = []
  const runs: Promise<Attempt>[] = []
  let winner: Attempt | undefined
  try {
    for (const version of versions) {
      const peer = new options.RTCPeerConnection({ iceServers: [] })
      peers.push(peer)
      const run = connect(options, peer, target, server, version, AbortSignal.any([signal, losers.signal]))
      runs.push(run)
      if (version === versions.at(-1)) break
      const answered = await Promise.race([
        run.then(
          () => true,
          () => false,
        ),
        iceAnswered(options.clock, peer, NEXT_VERSION_AFTER, signal),
      ])
      if (answered) {
        // This version is understood; only its own failure may start the next one.
        winner = await run.catch(() => undefined)
        if (winner) return winner
      }
      if (signal.aborted) throw abortError(signal)
    }
    winner = await Promise.any(runs)
    return winner
  } catch (error) {
    throw failure(error, target)
  } finally {
    losers.abort()
    for (const peer of peers) if (peer !== winner?.peer) peer.close()
  }
}

function failure(error: unknown, { host, port }: Target): MeshError {
  if (!(error instanceof AggregateError)) return toMeshError(error, 'PEER_UNREACHABLE')
  const errors = error.errors.map((each) => toMeshError(each, 'PEER_UNREACHABLE'))
  return new MeshError('PEER_UNREACHABLE', `webrtc-direct to ${host}:${port}: ${errors.map(({ message }) => message).join('; ')}`, {
    cause: errors[0],
  })
}

/** True once ICE has its answer, false after `ms` without one. */
function iceAnswered(clock: Clock, peer: RtcPeer, ms: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const look = () => {
    if (peer.iceConnectionState === 'connected' || peer.iceConnectionState === 'completed') resolve(true)
  }
  const cancel = clock.after(ms, () => resolve(false))
  const onAbort = () => resolve(false)
  peer.addEventListener('iceconnectionstatechange', look)
  look()
  signal.addEventListener('abort', onAbort, { once: true })
  return promise.finally(() => {
    cancel()
    peer.removeEventListener('iceconnectionstatechange', look)
    signal.removeEventListener('abort', onAbort)
  })
}

async function connect(
  options: DialerOptions,
  peer: RtcPeer,
  target: Target,
  server: Uint8Array,
  version: Version,
  signal: AbortSignal,
): Promise<Attempt> {
  const channel = peer.createDataChannel('', { negotiated: true, id: 0 })
  const handshake = openHandshake(channel, options.components, options.clock)
  const muxerFactory = createMuxerFactory(peer, options.clock)
  const opened = openOf(peer, channel)
  opened.catch(() => undefined)
  const offer = (await peer.createOffer()).sdp ?? ''
  const secret = randomIceChars(32)
  const munged = { ufrag: serverUfrag(1, secret), pwd: serverUfrag(1, secret) }
  await peer.setLocalDescription({ type: 'offer', sdp: version === 1 ? mungeCredentials(offer, munged) : offer })
  const local = peer.localDescription?.sdp ?? offer
  const ufrag = version === 1 ? munged.ufrag : serverUfrag(2, sdpAttribute(local, 'ice-pwd') ?? '')
  await peer.setRemoteDescription({ type: 'answer', sdp: answerSdp(target, { ufrag, pwd: ufrag }, server) })
  const answered = iceAnswered(options.clock, peer, ICE_TIMEOUT, signal).then((yes) => {
    if (!yes) throw new MeshError('PEER_UNREACHABLE', `no answer to version ${version} in ${ICE_TIMEOUT} ms`)
  })
  answered.catch(() => undefined)
  await abortable(Promise.race([opened, answered.then(() => opened)]), signal)
  return { version, peer, handshake, muxerFactory, localFingerprint: fingerprintOf(local) }
}

function openOf(peer: RtcPeer, channel: { readonly readyState: string; addEventListener(type: string, listener: () => void): void }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (channel.readyState === 'open') resolve()
  channel.addEventListener('open', () => resolve())
  channel.addEventListener('close', () => reject(new MeshError('PEER_UNREACHABLE', 'the handshake channel closed')))
  peer.addEventListener('connectionstatechange', () => {
    const state = peer.connectionState
    if (state === 'failed' || state === 'closed')
      reject(new MeshError('PEER_UNREACHABLE', `WebRTC ${state}: no answer, or the certificate is not the one in the address`))
  })
  return promise
}
