/** Two devices that write to each other while their disks fail, their power goes and their paths break, all by one seed; and what must be true at every step whatever happens. */
import assert from 'node:assert/strict'
import type { MeshEvents, MessageInfo } from '../../../src/core/mesh.ts'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import type { MessageService, ProtocolHost } from '../../../src/core/protocol.ts'
import type { RecordStore } from '../../../src/core/stores.ts'
import { createMessages } from '../../../src/protocols/message/protocol.ts'
import { createBus } from '../../../src/shared/bus.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'
import { createFaultyRecords } from '../../support/faulty-records.ts'
import { createStreamPair, type StreamPair } from '../../support/stream-pair.ts'
import { type ManualClock, manualClock } from '../presence/manual-clock.ts'

const STEPS = 80
const HEAL_ROUNDS = 400
const TURNS = 12 // of the event loop, for what runs in memory to come to rest

/** A process on a device; the device's disk outlives it. */
interface Process {
  readonly service: MessageService
  readonly serve: (stream: PeerStream) => Promise<void>
  readonly kill: () => void
}

interface Sent {
  readonly text: string
  /** Unknown when the power went before send() came back. */
  outcome: 'kept' | 'refused' | 'unknown'
}

interface Device {
  readonly name: 'ana' | 'ben'
  readonly disk: RecordStore
  process?: Process
  /** What was written here for the other one, in this order. */
  readonly sent: Sent[]
  /** Ids of the message events, over all processes. */
  readonly events: string[]
}

/** One run; throws with the seed when something is not as it must be. */
export async function runOutboxSeed(seed: number): Promise<{ readonly delivered: number; readonly crashes: number; readonly refused: number }> {
  const world = createWorld(seed)
  try {
    for (let step = 0; step < STEPS; step++) {
      await world.step(step)
      world.check()
    }
    await world.heal()
    return world.checkEnd()
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause })
  }
}

function createWorld(seed: number) {
  const random = mulberry(seed)
  const clock = manualClock(1_700_000_000_000)
  const live = new Set<StreamPair>()
  const ana: Device = { name: 'ana', disk: createMemoryRecords(), sent: [], events: [] }
  const ben: Device = { name: 'ben', disk: createMemoryRecords(), sent: [], events: [] }
  const devices = [ana, ben] as const
  const other = (device: Device) => (device === ana ? ben : ana)
  let linked = true
  let faulty = true
  let crashes = 0
  const cutAll = () => {
    for (const pair of live) pair.cut()
    live.clear()
  }
  const crash = (device: Device) => {
    if (!device.process) return
    crashes++
    device.process.kill()
    device.process = undefined
    cutAll()
  }
  const open = async (from: Device, protocol: string): Promise<PeerStream> => {
    const to = other(from).process
    if (!linked || !to) throw new MeshError('PEER_UNREACHABLE', 'nobody is there')
    const pair = createStreamPair({ protocol, peers: [from.name, other(from).name] })
    live.add(pair)
    const serve = async () => to.serve(pair.b)
    serve().catch((error: unknown) => pair.b.abort(error))
    return pair.a
  }
  const start = async (device: Device) => {
    if (!device.process)
      device.process = await startProcess(device, {
        clock,
        random,
        open,
        crash,
        isHere: () => linked && other(device).process !== undefined,
        isFaulty: () => faulty,
      })
  }
  const send = async (device: Device) => {
    const service = device.process?.service
    if (!service) return
    const one: Sent = { text: `${device.name} ${device.sent.length}`, outcome: 'unknown' }
    device.sent.push(one)
    service.send(other(device).name, 'chat', one.text).then(
      () => void (one.outcome = 'kept'),
      (error: unknown) => {
        assert.ok(['STORAGE_FULL', 'STORAGE_FAILED'].includes(codeOf(error)), `send() said ${codeOf(error)}`)
        one.outcome = 'refused'
      },
    )
    await settle()
  }
  const meet = () => {
    for (const device of devices) device.process?.service.flush(other(device).name)
  }
  const read = (device: Device) => device.process?.service.read(other(device).name).catch(() => undefined)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

  return {
    async step(step: number) {
      if (step === 0) for (const device of devices) await start(device)
      const device = pick(devices)
      const what = random()
      if (what < 0.45) await send(device)
      else if (what < 0.55) cutAll()
      else if (what < 0.62) linked = !linked
      else if (what < 0.68) crash(device)
      else if (what < 0.85) await start(device)
      else if (what < 0.9) void read(device)
      if (!linked) cutAll()
      else meet()
      await settle(Math.floor(random() * TURNS))
      clock.advance(Math.floor(random() * 5_000))
      await settle()
    },
    async heal() {
      faulty = false
      linked = true
      for (let round = 0; round < HEAL_ROUNDS; round++) {
        for (const device of devices) await start(device)
        meet()
        await settle()
        clock.advance(2_000)
        await settle()
        if (devices.every((device) => device.process?.service.waiting().length === 0)) return
      }
      throw new Error('something still waits although everything works again')
    },
    check() {
      for (const device of devices) checkDirection(device, other(device))
    },
    async checkEnd() {
      for (const device of devices) checkAll(device, other(device))
      const sent = devices.flatMap((device) => device.sent)
      return {
        delivered: devices.reduce((sum, device) => sum + arrived(device).length, 0),
        crashes,
        refused: sent.filter(({ outcome }) => outcome === 'refused').length,
      }
    },
  }
}

interface World {
  readonly clock: ManualClock
  readonly random: () => number
  readonly open: (from: Device, protocol: string) => Promise<PeerStream>
  readonly crash: (device: Device) => void
  readonly isHere: () => boolean
  readonly isFaulty: () => boolean
}

/** May fail to start, as a device whose store does not answer. */
async function startProcess(device: Device, { clock, random, open, crash, isHere, isFaulty }: World): Promise<Process | undefined> {
  const stop = new AbortController()
  const store = createFaultyRecords(
    device.disk,
    () => (isFaulty() ? { random, refuse: 0.08, crash: 0.04 } : undefined),
    () => crash(device),
  )
  const bus = createBus<MeshEvents>()
  const peer = device.name === 'ana' ? 'ben' : 'ana'
  bus.on('message', ({ id }) => void device.events.push(id), { signal: stop.signal })
  const host = {
    clock,
    bus,
    log: () => undefined,
    identity: { peer: device.name },
    peers: () => [{ id: peer, path: isHere() ? 'relayed' : 'away' }],
    open: (_: string, protocol: string) => open(device, protocol),
  } as unknown as ProtocolHost
  const messages = await Promise.race([createMessages({ records: store.records, random }), settle(50).then(() => undefined)])
  if (!messages) return undefined
  const { service, serve } = messages.start(host, stop.signal)
  return {
    service,
    serve,
    kill() {
      store.kill()
      stop.abort()
    },
  }
}

const lines = (device: Device, direction: MessageInfo['direction']) =>
  device.process?.service.messages().filter((line) => line.direction === direction) ?? []
const arrived = (device: Device) => lines(device, 'in').map(({ text }) => text as string)

/** At any moment: nothing twice, nothing out of order, nothing that nobody wrote, and no state that is not true. */
function checkDirection(from: Device, to: Device): void {
  if (!to.process) return
  const got = arrived(to)
  const order = got.map((text) => from.sent.findIndex((one) => one.text === text))
  assert.equal(new Set(got).size, got.length, `${to.name} shows one twice: ${got.join()}`)
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
    `${to.name} shows another order: ${got.join()}`,
  )
  assert.equal(new Set(to.events).size, to.events.length, `${to.name} was told twice`)
  for (const { text, outcome } of from.sent) assert.ok(outcome !== 'refused' || !got.includes(text), `${text} was refused and arrived`)
  if (!from.process) return
  const mine = lines(from, 'out')
  const mineOf = new Map(mine.map((line) => [line.text, line]))
  for (const { text, status } of mine) {
    if (status !== 'waiting') assert.ok(got.includes(text as string), `${text} is said to be ${status} and is not there`)
    if (status === 'read') assert.equal(lines(to, 'in').find((line) => line.text === text)?.status, 'read', `${text} was not read`)
  }
  for (const { text, outcome } of from.sent) {
    if (outcome === 'kept' && !got.includes(text)) assert.equal(mineOf.get(text)?.status, 'waiting', `${text} is neither there nor waiting`)
  }
}

/** When everything worked again for a while: all that was kept is there, and nothing says that it waits. */
function checkAll(from: Device, to: Device): void {
  checkDirection(from, to)
  const got = arrived(to)
  for (const { text, outcome } of from.sent) if (outcome === 'kept') assert.ok(got.includes(text), `${text} is lost`)
  for (const { text, status } of lines(from, 'out')) assert.notEqual(status, 'waiting', `${text} still waits`)
}

async function settle(turns = TURNS): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function mulberry(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
