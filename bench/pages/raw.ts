/** The physical limit of B1 and B6: one ordered RTCDataChannel between two pages and nothing else. These functions run inside the pages, so they must use no import. */
import type { Page } from 'playwright'

/** Joins both pages by one data channel; `globalThis.channel` on each side. */
export async function joinRaw(a: Page, b: Page): Promise<void> {
  const setUp = () => {
    const scope = globalThis as unknown as { pc: RTCPeerConnection; channel: RTCDataChannel; received: number; opened: Promise<void> }
    scope.pc = new RTCPeerConnection()
    scope.channel = scope.pc.createDataChannel('bench', { negotiated: true, id: 0 })
    scope.channel.binaryType = 'arraybuffer'
    scope.received = 0
    scope.channel.onmessage = ({ data }) => {
      if (data.byteLength === 32) scope.channel.send(data)
      else scope.received += data.byteLength
    }
    scope.opened = new Promise((resolve) => {
      scope.channel.onopen = () => resolve()
    })
  }
  await Promise.all([a.evaluate(setUp), b.evaluate(setUp)])
  const gathered = async (kind: 'offer' | 'answer') => {
    const { pc } = globalThis as unknown as { pc: RTCPeerConnection }
    await pc.setLocalDescription(kind === 'offer' ? await pc.createOffer() : await pc.createAnswer())
    if (pc.iceGatheringState !== 'complete')
      await new Promise((resolve) => pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && resolve(undefined)))
    return pc.localDescription?.sdp ?? ''
  }
  const accept = ([type, sdp]: ['offer' | 'answer', string]) =>
    (globalThis as unknown as { pc: RTCPeerConnection }).pc.setRemoteDescription({ type, sdp })
  const offer = await a.evaluate(gathered, 'offer' as const)
  await b.evaluate(accept, ['offer', offer] as ['offer' | 'answer', string])
  const answer = await b.evaluate(gathered, 'answer' as const)
  await a.evaluate(accept, ['answer', answer] as ['offer' | 'answer', string])
  const wait = () => (globalThis as unknown as { opened: Promise<void> }).opened
  await Promise.all([a.evaluate(wait), b.evaluate(wait)])
}

/** Send messages of `size` bytes for `ms`. */
export async function pumpRaw(page: Page, ms: number, size: number): Promise<void> {
  await page.evaluate(
    async ([duration, bytes]) => {
      const { channel } = globalThis as unknown as { channel: RTCDataChannel }
      channel.bufferedAmountLowThreshold = 512 * 1024
      const chunk = new Uint8Array(bytes as number)
      const end = performance.now() + (duration as number)
      while (performance.now() < end) {
        channel.send(chunk)
        if (channel.bufferedAmount > 1024 * 1024)
          await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }))
      }
    },
    [ms, size],
  )
}

/** Round trips of 32 bytes on the open channel, ms each. */
export async function requestsRaw(page: Page, count: number): Promise<number[]> {
  return page.evaluate(async (rounds) => {
    const { channel } = globalThis as unknown as { channel: RTCDataChannel }
    const times: number[] = []
    for (let i = 0; i < rounds; i++) {
      const begin = performance.now()
      await new Promise((resolve) => {
        channel.onmessage = resolve
        channel.send(new Uint8Array(32))
      })
      times.push(performance.now() - begin)
    }
    return times
  }, count)
}
