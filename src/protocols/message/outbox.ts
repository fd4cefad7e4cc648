/** One delivery loop a peer: it ends when nothing waits for it, or when it is away. Must never give up a message while its time is not over. */
import { backoff } from '../../core/backoff.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { sleep } from '../../shared/async.ts'
import { codeOf } from '../../shared/errors.ts'
import { deliver, tellRead } from './client.ts'
import type { History } from './history.ts'
import { EXPIRY_INTERVAL, RETRY } from './limits.ts'

interface Loop {
  /** Something happened while it ran: look once more before it ends. */
  again: boolean
  /** Ends its pause. */
  wake(): void
}

/** Returns `flush`: try now what waits for a peer. Ends with the signal. */
export function createOutbox(host: ProtocolHost, history: History, random: () => number, signal: AbortSignal): (peer: string) => void {
  const loops = new Map<string, Loop>()
  const isHere = (peer: string) => host.peers().some((one) => one.id === peer && one.path !== 'away')
  const run = async (peer: string, loop: Loop) => {
    for (let attempt = 0; !signal.aborted; ) {
      loop.again = false
      try {
        if (history.waiting(peer) > 0) await deliverAll(peer, host, history, signal)
        await tellAll(peer, host, history, signal)
        if (!loop.again) return
        attempt = 0
      } catch (error) {
        host.log('message.waits', { peer, code: codeOf(error), attempt, waiting: history.waiting(peer) }, 'debug')
        if (loop.again) continue
        if (!isHere(peer)) return
        attempt++
        const pause = new AbortController()
        loop.wake = () => pause.abort()
        await sleep(host.clock, backoff(attempt, random(), RETRY), AbortSignal.any([signal, pause.signal])).catch(() => undefined)
      }
    }
  }
  const flush = (peer: string) => {
    const running = loops.get(peer)
    if (running) {
      running.again = true
      running.wake()
      return
    }
    if (signal.aborted || (history.waiting(peer) === 0 && history.untold(peer) === undefined)) return
    const loop: Loop = { again: false, wake: () => undefined }
    loops.set(peer, loop)
    void run(peer, loop).finally(() => {
      loops.delete(peer)
      if (loop.again) flush(peer)
    })
  }
  watchExpiry(host, history, signal)
  return flush
}

async function deliverAll(peer: string, host: ProtocolHost, history: History, signal: AbortSignal): Promise<void> {
  await expire(host, history)
  await deliver(
    host,
    peer,
    () => history.next(peer),
    async (entry) => {
      const line = await history.delivered(entry)
      if (line) host.bus.emit('messagechange', line)
    },
    signal,
  )
}

async function tellAll(peer: string, host: ProtocolHost, history: History, signal: AbortSignal): Promise<void> {
  for (let id = history.untold(peer); id !== undefined; id = history.untold(peer)) {
    try {
      await tellRead(host, peer, id, signal)
    } catch (error) {
      // An older peer, or one that does not want to hear it: the message stays 'delivered' there, which is true.
      if (!['UNKNOWN_PROTOCOL', 'ACCESS_DENIED'].includes(codeOf(error))) throw error
    }
    await history.told(peer, id)
  }
}

async function expire(host: ProtocolHost, history: History): Promise<void> {
  for (const line of await history.expire(host.clock.now())) host.bus.emit('messagechange', line)
}

function watchExpiry(host: ProtocolHost, history: History, signal: AbortSignal): void {
  const look = () => {
    expire(host, history).catch((error: unknown) => host.log('message.expiry.failed', { code: codeOf(error) }, 'warn'))
    cancel = host.clock.after(EXPIRY_INTERVAL, look)
  }
  let cancel = host.clock.after(0, look)
  signal.addEventListener('abort', () => cancel(), { once: true })
}
