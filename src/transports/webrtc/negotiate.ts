/** Signalling of one connection over a libp2p stream that proved the peer's key: offer, answer, trickled candidates; ends when the channel is open. The DTLS fingerprints inside are trusted because the stream is. */
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { abortable } from '../../shared/async.ts'
import { MeshError } from '../../shared/errors.ts'
import { RTC_CHANNEL } from '../../wire/ids.ts'
import type { ChannelLike, PeerConnectionLike } from './channel-connection.ts'
import { MAX_CANDIDATES, MAX_SIGNAL_FRAME } from './limits.ts'
import { decodeSignal, encodeSignal, type Signal } from './signal-wire.ts'

interface Description {
  type: 'offer' | 'answer'
  sdp: string
}

/** RTCPeerConnection as far as signalling needs it. */
export interface NegotiableConnection extends PeerConnectionLike {
  createOffer(): Promise<{ sdp?: string }>
  createAnswer(): Promise<{ sdp?: string }>
  setLocalDescription(description: Description): Promise<void>
  setRemoteDescription(description: Description): Promise<void>
  addIceCandidate(candidate: object): Promise<void>
  createDataChannel(label: string, init: { negotiated: true; id: number; ordered: true }): unknown
  getStats?(): Promise<ReadonlyMap<string, object>>
}

export interface Negotiated {
  /** Open. */
  readonly channel: ChannelLike
  /** For probes; opens with the other, or never carries anything. */
  readonly alive: ChannelLike
}

/** The channels, which both sides create by agreement, so that no announcement has to travel first. Closes the stream when done, aborts it when it fails; the caller closes the connection then. TIMEOUT and PATH_LOST when ICE finds no way. */
export async function negotiate(stream: Stream, pc: NegotiableConnection, role: 'offer' | 'answer', signal: AbortSignal): Promise<Negotiated> {
  const lp = lpStream(stream, { maxDataLength: MAX_SIGNAL_FRAME })
  const send = (message: Signal) => lp.write(encodeSignal(message), { signal })
  const make = (label: string, id: number) => pc.createDataChannel(label, { negotiated: true, id, ordered: true }) as ChannelLike
  const channel = make('dmesh', RTC_CHANNEL.data)
  const alive = make('dmesh-alive', RTC_CHANNEL.alive)
  const opened = whenOpen(channel, pc)
  opened.catch(() => undefined)
  const described = Promise.withResolvers<void>()
  pc.addEventListener('icecandidate', (event) => {
    const { candidate } = event as Event & { candidate: { candidate: string; toJSON(): { candidate?: string } } | null }
    // A candidate must not overtake the description it belongs to.
    if (candidate?.candidate)
      described.promise.then(() => send({ t: 'candidate', candidate: candidate.toJSON() as { candidate: string } })).catch(() => undefined)
  })
  try {
    const next = async () => decodeSignal((await lp.read({ signal })).subarray())
    await (role === 'offer' ? offer(pc, send, next) : answer(pc, send, next))
    described.resolve()
    const reading = readCandidates(pc, next)
    reading.catch(() => undefined) // the peer ends the stream when its channel is open
    await abortable(opened, signal)
    // Not awaited: the peer may send already, and what comes before somebody listens is lost. Nor may its fate decide: the channel stands.
    stream.close({ signal }).catch((error: Error) => stream.abort(error))
    return { channel, alive }
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

type Send = (message: Signal) => Promise<void>
type Next = () => Promise<Signal>

async function offer(pc: NegotiableConnection, send: Send, next: Next): Promise<void> {
  const { sdp = '' } = await pc.createOffer()
  await pc.setLocalDescription({ type: 'offer', sdp })
  await send({ t: 'offer', sdp })
  const reply = await next()
  if (reply.t !== 'answer') throw new MeshError('BAD_FRAME', `an answer was due, not a ${reply.t}`)
  await pc.setRemoteDescription({ type: 'answer', sdp: reply.sdp })
}

async function answer(pc: NegotiableConnection, send: Send, next: Next): Promise<void> {
  const first = await next()
  if (first.t !== 'offer') throw new MeshError('BAD_FRAME', `an offer was due, not a ${first.t}`)
  await pc.setRemoteDescription({ type: 'offer', sdp: first.sdp })
  const { sdp = '' } = await pc.createAnswer()
  await pc.setLocalDescription({ type: 'answer', sdp })
  await send({ t: 'answer', sdp })
}

async function readCandidates(pc: NegotiableConnection, next: Next): Promise<void> {
  for (let count = 0; count < MAX_CANDIDATES; count++) {
    const message = await next()
    if (message.t !== 'candidate') throw new MeshError('BAD_FRAME', `a candidate was due, not a ${message.t}`)
    await pc.addIceCandidate(message.candidate)
  }
}

function whenOpen(channel: ChannelLike, pc: PeerConnectionLike): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  channel.addEventListener('open', () => resolve())
  channel.addEventListener('close', () => reject(new MeshError('PATH_LOST', 'the data channel closed before it opened')))
  pc.addEventListener('connectionstatechange', () => {
    if (pc.connectionState === 'failed') reject(new MeshError('PATH_LOST', 'no candidate pair worked'))
  })
  if (channel.readyState === 'open') resolve()
  return promise
}
