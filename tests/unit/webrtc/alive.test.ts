/** When a direct path counts as dead: within 2 s in use and 3 s idle, and never while its packets arrive, the peer cannot echo, or we were suspended ourselves. A clock of our own drives both ends. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type AliveParts, watchAlive } from '../../../src/transports/webrtc/alive.ts'
import { ALIVE_IDLE, ALIVE_LIMIT, ALIVE_QUEUED, ALIVE_SHARE } from '../../../src/transports/webrtc/limits.ts'
import { ALIVE } from '../../../src/wire/ids.ts'
import { type ManualClock, manualClock } from '../presence/manual-clock.ts'

type Channel = AliveParts['channel'] & { bufferedAmount: number }

/** Two ends with a delay of `ms` between them, which can be cut. */
function link(clock: ManualClock, delay = 20) {
  const way = { open: true, packets: true, sent: 0, arrived: clock.now() }
  const ends = [end(), end()] as const
  function end(): Channel {
    return Object.assign(new EventTarget(), {
      binaryType: '',
      readyState: 'open',
      bufferedAmount: 0,
      bufferedAmountLowThreshold: 0,
      close: () => undefined,
      send(this: unknown, data: Uint8Array<ArrayBuffer>) {
        way.sent++
        const other = this === ends[0] ? ends[1] : ends[0]
        if (way.packets) way.arrived = clock.now()
        if (way.open) clock.after(delay, () => other.dispatchEvent(new MessageEvent('message', { data: data.slice().buffer })))
      },
    })
  }
  return { way, ends }
}

function watch(clock: ManualClock, channel: Channel, options: { arrived?: () => number | undefined; others?: number; side?: 'called' } = {}) {
  const peerConnection = Object.assign(new EventTarget(), {
    connectionState: 'connected',
    close: () => undefined,
    getStats: async () => new Map([['pair', { lastPacketReceivedTimestamp: options.arrived?.() }]]),
  })
  const dead: number[] = []
  const alive = watchAlive({
    channel,
    peerConnection,
    clock,
    side: options.side ?? 'caller',
    others: () => options.others ?? 1,
    onDead: (silent) => dead.push(silent),
  })
  return { alive, dead, peerConnection }
}

/** In steps, so that promises settle between timers. */
async function pass(clock: ManualClock, ms: number, step = 50) {
  for (let at = 0; at < ms; at += step) {
    clock.advance(step)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

it('a path in use is given up 2 s after its last byte, an idle one within 3 s', async () => {
  for (const [busy, most] of [
    [true, 2_000],
    [false, 3_000],
  ] as const) {
    const clock = manualClock()
    const { way, ends } = link(clock)
    const [a, b] = [watch(clock, ends[0]), watch(clock, ends[1], { side: 'called' })]
    await pass(clock, 10_000)
    assert.deepEqual([a.dead, b.dead], [[], []])
    Object.assign(way, { open: false, packets: false })
    if (busy) a.alive.heard()
    if (busy) a.alive.sent()
    await pass(clock, most)
    assert.equal(a.dead.length, 1, busy ? 'in use' : 'idle')
    assert.ok((a.dead[0] as number) <= most, `${a.dead[0]} ms`)
    await pass(clock, 10_000)
    assert.equal(a.dead.length, 1, 'told once')
  }
})

it('two idle ends ask each other no more than once in a pause together, and many peers share one budget', async () => {
  const count = async (others: number) => {
    const clock = manualClock()
    const { way, ends } = link(clock)
    watch(clock, ends[0], { others })
    watch(clock, ends[1], { others, side: 'called' })
    await pass(clock, 10_000)
    way.sent = 0
    await pass(clock, 30_000)
    return way.sent
  }
  const questions = 30_000 / ALIVE_IDLE
  const few = await count(1)
  assert.ok(few <= 2 * questions + 4 && few >= questions, `${few} bytes in 30 s`)
  const many = await count(32)
  assert.ok(many <= (2 * 30_000) / (32 * ALIVE_SHARE) + 4, `${many} bytes in 30 s`)
})

it('packets that still arrive keep a path whose other page is stuck, but not for ever', async () => {
  const clock = manualClock()
  const { way, ends } = link(clock)
  const a = watch(clock, ends[0], { arrived: () => way.arrived })
  watch(clock, ends[1])
  await pass(clock, 5_000)
  way.open = false // the echo is missing, its packets are not
  await pass(clock, ALIVE_LIMIT - 1_000)
  assert.deepEqual(a.dead, [])
  await pass(clock, 4_000)
  assert.equal(a.dead.length, 1)
})

it('our own stall is not taken for silence', async () => {
  const clock = manualClock()
  const { way, ends } = link(clock)
  let late = 0
  // Timers that come late, as in a worker that could not run.
  const slow: ManualClock = { ...clock, monotonic: () => clock.monotonic() + late }
  const a = watch(slow, ends[0])
  watch(clock, ends[1])
  await pass(clock, 5_000)
  way.open = false
  await pass(clock, 1_000)
  late += 5_000
  way.open = true
  await pass(clock, 5_000)
  assert.deepEqual(a.dead, [])
})

it('a path that dies before the first echo is noticed where the browser tells of packets', async () => {
  const clock = manualClock()
  const { way, ends } = link(clock)
  Object.assign(way, { open: false, packets: false, arrived: clock.now() - 1 })
  const a = watch(clock, ends[0], { arrived: () => way.arrived })
  await pass(clock, 2_000)
  assert.equal(a.dead.length, 1)
})

it('a peer that never echoed is not judged without that, and one that floods questions gets no queue of answers', async () => {
  const clock = manualClock()
  const { ends } = link(clock)
  const a = watch(clock, ends[0])
  await pass(clock, 60_000, 250)
  assert.deepEqual(a.dead, [])
  let answers = 0
  ends[0].addEventListener('message', (event) => {
    if (new Uint8Array((event as MessageEvent<ArrayBuffer>).data)[0] === ALIVE.echo) answers++
  })
  const b = watch(clock, ends[1])
  ends[1].bufferedAmount = ALIVE_QUEUED
  for (let i = 0; i < 1_000; i++) ends[1].dispatchEvent(new MessageEvent('message', { data: Uint8Array.of(ALIVE.probe).buffer }))
  await pass(clock, 200)
  assert.equal(answers, 0)
  b.alive.stop()
})

it('a word of ICE brings the question forward', async () => {
  const clock = manualClock()
  const { way, ends } = link(clock)
  const a = watch(clock, ends[0], { others: 100 })
  watch(clock, ends[1], { others: 100 })
  await pass(clock, 5_000)
  Object.assign(way, { open: false, packets: false })
  Object.assign(a.peerConnection, { connectionState: 'disconnected' })
  a.peerConnection.dispatchEvent(new Event('connectionstatechange'))
  await pass(clock, 1_800)
  assert.equal(a.dead.length, 1)
})
