/** Joins two RTCPeerConnections of this realm and moves bytes through them; the same code for the window's own and for the stand-in. */

interface Side {
  readonly pc: RTCPeerConnection
}

export interface ExchangeResult {
  readonly bytes: number
  /** SHA-256 of what was sent and what arrived, hex. */
  readonly sent: string
  readonly received: string
  /** ms from the first send to the last byte. */
  readonly ms: number
  /** ms from the constructor to the open channel. */
  readonly openMs: number
  /** Largest bufferedAmount seen by the sender. */
  readonly peak: number
}

export async function join(): Promise<{ a: Side; b: Side; channel: RTCDataChannel; remote: RTCDataChannel }> {
  const a = new RTCPeerConnection({ iceServers: [] })
  const b = new RTCPeerConnection({ iceServers: [] })
  a.onicecandidate = ({ candidate }) => void (candidate && b.addIceCandidate(candidate))
  b.onicecandidate = ({ candidate }) => void (candidate && a.addIceCandidate(candidate))
  const incoming = new Promise<RTCDataChannel>((resolve) => b.addEventListener('datachannel', ({ channel }) => resolve(channel)))
  const channel = a.createDataChannel('bulk')
  const opened = new Promise((resolve) => channel.addEventListener('open', resolve))
  const offer = await a.createOffer()
  await a.setLocalDescription(offer)
  await b.setRemoteDescription(new RTCSessionDescription({ type: 'offer', sdp: a.localDescription?.sdp ?? '' }))
  const answer = await b.createAnswer()
  await b.setLocalDescription(answer)
  await a.setRemoteDescription(answer)
  await opened
  return { a: { pc: a }, b: { pc: b }, channel, remote: await incoming }
}

const MAX = 1024 * 1024

export async function exchange(total: number, size = 16_384): Promise<ExchangeResult> {
  const before = performance.now()
  const { a, b, channel, remote } = await join()
  const openMs = performance.now() - before
  const source = new Uint8Array(total)
  for (let at = 0; at < total; at += 65_536) crypto.getRandomValues(source.subarray(at, Math.min(total, at + 65_536)))
  const target = new Uint8Array(total)
  let got = 0
  let peak = 0
  const arrived = new Promise<void>((resolve) => {
    remote.binaryType = 'arraybuffer'
    remote.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      target.set(new Uint8Array(data), got)
      got += data.byteLength
      if (got === total) resolve()
    }
  })
  channel.bufferedAmountLowThreshold = MAX / 2
  const start = performance.now()
  for (let at = 0; at < total; at += size) {
    channel.send(source.subarray(at, Math.min(total, at + size)))
    peak = Math.max(peak, channel.bufferedAmount)
    if (channel.bufferedAmount >= MAX) await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }))
  }
  await arrived
  const ms = performance.now() - start
  a.pc.close()
  b.pc.close()
  return { bytes: got, sent: await sha(source), received: await sha(target), ms, openMs, peak }
}

async function sha(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
