/** RTC host: the window's side of the stand-in. Owns the real RTCPeerConnections and certificates, which exist in windows only, and serves them over one Port. Must never hold data the worker does not read. */
import type { Port } from '../../core/port.ts'
import type { Log } from '../../shared/log.ts'
import { channelInfo, type HostChannel, hostChannel } from './host-channel.page.ts'
import { MAX_CERTIFICATES, MAX_CHANNELS, MAX_CONNECTIONS, MAX_STATS } from './limits.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import {
  type RtcCandidate,
  type RtcConfig,
  type RtcFault,
  type RtcFingerprint,
  type RtcState,
  STATE_EVENTS,
  type ToHost,
  type ToStandIn,
} from './wire.ts'

export interface RtcHost {
  /** Live peer connections. */
  size(): number
  /** Closes every connection and the port. Idempotent. */
  close(): void
}

interface Live {
  readonly connection: RTCPeerConnection
  readonly channels: Set<number>
  /** The association under the channels ended: the other side is gone. */
  ended: boolean
}

interface Host {
  readonly out: Outbox<ToStandIn>
  readonly log: Log
  readonly connections: Map<number, Live>
  readonly channels: Map<number, HostChannel>
  /** Oldest first. */
  readonly certificates: Map<number, RTCCertificate>
  nextChannel: number
}

/** Serve one worker. The port belongs to the host from now on. */
export function serveRtcHost(options: { readonly port: Port; readonly log: Log }): RtcHost {
  const { port, log } = options
  const host: Host = {
    out: createOutbox<ToStandIn>(port),
    log,
    connections: new Map(),
    channels: new Map(),
    certificates: new Map(),
    nextChannel: -1,
  }
  port.listen((message) => {
    const touched = new Set<HostChannel>()
    for (const item of message as readonly ToHost[]) {
      const channel = 'ch' in item ? host.channels.get(item.ch) : undefined
      if (item.op === 'send') {
        channel?.send(item.data)
        if (channel) touched.add(channel)
      } else if (item.op === 'read') channel?.read(item.bytes)
      else if (item.op === 'close-channel') channel?.close()
      else handle(host, item)
    }
    for (const channel of touched) channel.report()
  })
  log('rtc.host.serving')
  return {
    size: () => host.connections.size,
    close() {
      for (const pc of host.connections.keys()) closeConnection(host, pc)
      port.close()
    },
  }
}

function handle(host: Host, item: Exclude<ToHost, { op: 'send' | 'read' | 'close-channel' }>): void {
  switch (item.op) {
    case 'open':
      return openConnection(host, item.pc, item.config)
    case 'close':
      return closeConnection(host, item.pc)
    case 'channel':
      return openChannel(host, item)
    case 'certificate':
      return answer(host, item.call, undefined, () => makeCertificate(host, item.call, item.algorithm))
    case 'call': {
      const connection = host.connections.get(item.pc)?.connection
      return answer(host, item.call, item.pc, () => {
        if (!connection) throw new DOMException('the connection is closed', 'InvalidStateError')
        return invoke(connection, item)
      })
    }
  }
}

/** Runs at once, so that operations reach the connection in the order they were sent. */
function answer(host: Host, call: number, pc: number | undefined, work: () => Promise<unknown>): void {
  const attempt = async () => work()
  attempt().then(
    (value) => host.out.push({ op: 'reply', call, value, ...stateOf(host, pc) }),
    (error) => host.out.push({ op: 'reply', call, error: toFault(error), ...stateOf(host, pc) }),
  )
}

function openConnection(host: Host, pc: number, config: RtcConfig): void {
  try {
    if (host.connections.size >= MAX_CONNECTIONS) throw new DOMException(`${MAX_CONNECTIONS} connections are open already`, 'QuotaExceededError')
    const { certificates = [], ...rest } = config
    const known = certificates.map((id) => host.certificates.get(id)).filter((certificate) => certificate !== undefined)
    const connection = new RTCPeerConnection({ ...(rest as RTCConfiguration), ...(known.length > 0 ? { certificates: known } : {}) })
    const live = { connection, channels: new Set<number>(), ended: false }
    host.connections.set(pc, live)
    follow(host, pc, live)
  } catch (error) {
    host.log('rtc.host.refused', { reason: (error as Error).message }, 'warn')
    host.out.push({ op: 'refused', pc, error: toFault(error) })
  }
}

function follow(host: Host, pc: number, live: Live): void {
  const { connection } = live
  for (const event of STATE_EVENTS) connection.addEventListener(event, () => host.out.push({ op: 'state', pc, event, state: snapshot(connection) }))
  connection.addEventListener('connectionstatechange', () => watchAssociation(host, pc, live))
  connection.addEventListener('icecandidate', ({ candidate }) =>
    host.out.push({ op: 'candidate', pc, candidate: candidate ? (candidate.toJSON() as RtcCandidate) : null }),
  )
  connection.addEventListener('icecandidateerror', ({ url, errorCode, errorText }) =>
    host.out.push({ op: 'candidate-error', pc, url: url ?? '', errorCode, errorText }),
  )
  connection.addEventListener('datachannel', ({ channel }) => {
    const ch = host.nextChannel--
    if (!adopt(host, pc, live, ch, channel)) return channel.close()
    host.out.push({ op: 'channel', pc, ch, info: channelInfo(channel) })
  })
}

/**
 * Channels are all that a connection is for. When the other side closes it, Chromium goes on calling it connected until ICE misses an answer, 28 s later;
 * the association under the channels says it at once. It ends here only after its channels, so that what they still hold is delivered.
 */
function watchAssociation(host: Host, pc: number, live: Live): void {
  const { sctp } = live.connection
  if (!sctp) return
  sctp.onstatechange = () => {
    live.ended ||= sctp.state === 'closed'
    endWithChannels(host, pc, live)
  }
}

function endWithChannels(host: Host, pc: number, live: Live): void {
  if (!live.ended || live.channels.size > 0 || host.connections.get(pc) !== live) return
  closeConnection(host, pc)
  host.out.push({ op: 'refused', pc, error: { name: 'NetworkError', message: 'the other side closed the connection' } })
}

function openChannel(host: Host, { pc, ch, label, init }: Extract<ToHost, { op: 'channel' }>): void {
  const live = host.connections.get(pc)
  try {
    if (!live) throw new DOMException('the connection is closed', 'InvalidStateError')
    const channel = live.connection.createDataChannel(label, init)
    if (!adopt(host, pc, live, ch, channel)) {
      channel.close()
      throw new DOMException(`${MAX_CHANNELS} channels are open already`, 'QuotaExceededError')
    }
    host.out.push({ op: 'channel-state', ch, readyState: channel.readyState, id: channel.id })
  } catch (error) {
    host.out.push({ op: 'channel-state', ch, readyState: 'closed', id: null, error: toFault(error) })
  }
}

function adopt(host: Host, pc: number, live: Live, ch: number, channel: RTCDataChannel): boolean {
  if (live.channels.size >= MAX_CHANNELS) return false
  live.channels.add(ch)
  const onGone = () => {
    host.channels.delete(ch)
    live.channels.delete(ch)
    endWithChannels(host, pc, live)
  }
  host.channels.set(ch, hostChannel(channel, ch, host.out, onGone))
  return true
}

function closeConnection(host: Host, pc: number): void {
  const live = host.connections.get(pc)
  if (!live) return
  live.connection.close()
  host.connections.delete(pc)
  for (const ch of live.channels) host.channels.delete(ch)
}

async function makeCertificate(
  host: Host,
  call: number,
  algorithm: unknown,
): Promise<{ id: number; expires: number; fingerprints: readonly RtcFingerprint[] }> {
  const certificate = await RTCPeerConnection.generateCertificate(algorithm as AlgorithmIdentifier)
  // The number of the call names it: the worker knows that one already.
  host.certificates.set(call, certificate)
  for (const old of host.certificates.keys()) if (host.certificates.size > MAX_CERTIFICATES) host.certificates.delete(old)
  return {
    id: call,
    expires: certificate.expires,
    fingerprints: certificate.getFingerprints().map(({ algorithm: name = '', value = '' }) => ({ algorithm: name, value })),
  }
}

async function invoke(connection: RTCPeerConnection, { name, args }: Extract<ToHost, { op: 'call' }>): Promise<unknown> {
  const [first] = args
  switch (name) {
    case 'createOffer':
      return plain(await connection.createOffer(first as RTCOfferOptions | undefined))
    case 'createAnswer':
      return plain(await connection.createAnswer())
    case 'setLocalDescription':
      return connection.setLocalDescription(first as RTCLocalSessionDescriptionInit | undefined)
    case 'setRemoteDescription':
      return connection.setRemoteDescription(first as RTCSessionDescriptionInit)
    case 'addIceCandidate':
      return connection.addIceCandidate(first as RTCIceCandidateInit | undefined)
    case 'getStats':
      return [...(await connection.getStats()).values()].slice(0, MAX_STATS)
  }
}

function stateOf(host: Host, pc: number | undefined): { pc: number; state: RtcState } | undefined {
  const connection = pc === undefined ? undefined : host.connections.get(pc)?.connection
  return connection && pc !== undefined ? { pc, state: snapshot(connection) } : undefined
}

function snapshot(connection: RTCPeerConnection): RtcState {
  const { connectionState, iceConnectionState, iceGatheringState, signalingState, localDescription, remoteDescription, sctp } = connection
  return {
    connectionState,
    iceConnectionState,
    iceGatheringState,
    signalingState,
    localDescription: localDescription && plain(localDescription),
    remoteDescription: remoteDescription && plain(remoteDescription),
    ...(sctp ? { maxMessageSize: sctp.maxMessageSize } : {}),
  }
}

function plain({ type, sdp }: RTCSessionDescriptionInit): { type: string; sdp: string } {
  return { type, sdp: sdp ?? '' }
}

function toFault(error: unknown): RtcFault {
  const { name = 'Error', message = String(error) } = (error ?? {}) as { name?: string; message?: string }
  return { name, message }
}
