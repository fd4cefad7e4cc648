/** Locks without Web Locks, over real BroadcastChannels: one holder, death by silence, hand-over, and the older of two holders loses. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { broadcastLocks } from '../../../src/bridge/broadcast-locks.ts'
import type { Locks } from '../../../src/bridge/locks.ts'
import { type Clock, systemClock } from '../../../src/shared/clock.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { waitUntil } from '../../support/wait.ts'

let channels = 0
/** Threads that hear each other; `fast` shortens every wait tenfold. */
function setUp(t: TestContext) {
  const name = `locks-${channels++}`
  const real = systemClock()
  const fast: Clock = { now: real.now, monotonic: () => real.monotonic() * 10, after: (ms, task) => real.after(ms / 10, task) }
  let next = 0
  return (clock: Clock = fast): { locks: Locks; kill(): void } => {
    const channel = new BroadcastChannel(name)
    const locks = broadcastLocks(channel as never, clock, () => `${String(next++).padStart(4, '0')}`)
    let dead = false
    t.after(() => {
      if (!dead) locks.close()
    })
    const kill = () => {
      dead = true
      channel.close()
    }
    return { locks, kill }
  }
}

describe('locks over BroadcastChannel', () => {
  it('hold() gives a name to one at a time, in whatever thread, and release() passes it on', async (t) => {
    const thread = setUp(t)
    const threads = [thread(), thread(), thread()]
    let holders = 0
    let most = 0
    await Promise.all(
      threads.map(async ({ locks }) => {
        const held = await locks.hold('one')
        most = Math.max(most, ++holders)
        await new Promise((resolve) => setImmediate(resolve))
        holders--
        held.release()
      }),
    )
    assert.equal(most, 1)
  })

  it('a holder that falls silent loses its lock to the next', async (t) => {
    const thread = setUp(t)
    const [first, second] = [thread(), thread()]
    await first.locks.hold('name')
    let got = false
    const waiting = second.locks.hold('name').then(() => (got = true))
    await second.locks.gone('another')
    assert.equal(got, false, 'while the holder answers nobody else gets it')
    first.kill()
    await waiting
  })

  it('gone() resolves at once on release and rejects with ABORTED by its signal', async (t) => {
    const thread = setUp(t)
    const [first, second] = [thread(), thread(systemClock())]
    const held = await first.locks.hold('name')
    const stop = new AbortController()
    const aborted = second.locks.gone('name', stop.signal)
    stop.abort()
    await assert.rejects(aborted, (error) => codeOf(error) === 'ABORTED')
    const gone = second.locks.gone('name')
    const start = performance.now()
    held.release()
    await gone
    assert.ok(performance.now() - start < 500, 'it did not wait for silence')
  })

  it('hold() hears of a release while it still claims', async (t) => {
    const thread = setUp(t)
    const [first, second] = [thread(), thread(systemClock())]
    const held = await first.locks.take('name')
    const heard = new BroadcastChannel(`locks-${channels - 1}`)
    t.after(() => heard.close())
    const objected = new Promise<void>((resolve) => {
      heard.onmessage = ({ data }) => (data as { t: string }).t === 'held' && resolve()
    })
    const start = performance.now()
    const waiting = second.locks.hold('name')
    await objected
    held.release()
    ;(await waiting).release()
    assert.ok(performance.now() - start < 1_000, 'it did not wait for silence')
  })

  it('a watcher whose timers come once a minute does not take an answering holder for dead', async (t) => {
    const thread = setUp(t)
    const real = systemClock()
    // Each wait of this thread takes a minute by the clock.
    let minutes = 0
    const throttled: Clock = {
      now: real.now,
      monotonic: () => minutes * 60_000,
      after: (_, task) =>
        real.after(10, () => {
          minutes++
          task()
        }),
    }
    const [first, second] = [thread(), thread(throttled)]
    await first.locks.hold('name')
    const stop = new AbortController()
    const watching = second.locks.gone('name', stop.signal).then(
      () => 'gone',
      () => 'still held',
    )
    await waitUntil(() => minutes >= 20, { what: 'twenty questions' })
    stop.abort()
    assert.equal(await watching, 'still held')
  })

  it('freed() tells that a thread which was ended let go', async (t) => {
    const thread = setUp(t)
    const [first, second, third] = [thread(), thread(systemClock()), thread()]
    await first.locks.take('name')
    const gone = second.locks.gone('name')
    const start = performance.now()
    first.kill()
    third.locks.freed('name')
    await gone
    assert.ok(performance.now() - start < 500, 'it did not wait for silence')
  })

  it('a holder that somebody said let go objects no more, though its thread still runs', async (t) => {
    const thread = setUp(t)
    const [first, second, third] = [thread(), thread(systemClock()), thread()]
    const held = await first.locks.take('name')
    const start = performance.now()
    third.locks.freed('name')
    ;(await second.locks.hold('name')).release()
    assert.ok(performance.now() - start < 1_000, 'it did not wait for silence')
    assert.equal(codeOf(held.lost.reason), 'CLOSED')
  })

  it('of two holders the older one is told that it lost', async (t) => {
    const thread = setUp(t)
    const [first, second] = [thread(), thread()]
    const bus = new BroadcastChannel(`locks-${channels - 1}`)
    t.after(() => bus.close())
    const held = await first.locks.hold('name')
    await second.locks.gone('unheld')
    bus.postMessage({ t: 'held', name: 'name', id: 'somebody else', since: Date.now() + 1000 })
    await waitUntil(() => held.lost.aborted, { what: 'the older holder to be told' })
    assert.equal(codeOf(held.lost.reason), 'OLD_INSTANCE')
  })
})
