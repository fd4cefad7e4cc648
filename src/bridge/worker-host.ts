/** The worker's half of the bridge: takes the lock of the mesh, starts it, serves it to pages, notices their death, and drains when a newer build asks. Runs in a SharedWorker and in a dedicated one. Must never start a mesh without the lock. */
import type { Mesh } from '../core/mesh.ts'
import type { Port } from '../core/port.ts'
import { withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { BroadcastPort } from './broadcast-locks.ts'
import { type Carrier, CHANNEL, createCarrier } from './carrier.ts'
import type { DoorApi, LentPart, names } from './door-api.ts'
import { DRAIN_TIMEOUT, MAX_CLIENTS, WANT_INTERVAL } from './limits.ts'
import { type Methods, serveLink } from './link.ts'
import type { HeldLock, Locks } from './locks.ts'
import { serveMesh } from './serve-mesh.ts'

export interface WorkerHostParts {
  readonly build: string
  /** Unique for this start of the worker. */
  readonly id: string
  readonly names: ReturnType<typeof names>
  readonly locks: Locks
  readonly clock: Clock
  readonly log: Log
  /** Builds the mesh. Called when the lock is ours; again after it failed. */
  readonly start: () => Promise<Mesh>
  /** A page lends a part of itself; the function it gets back says that the page is gone. */
  readonly borrow: (part: LentPart, port: MessagePort) => () => void
  /** Reaches the other workers of this origin: who waits for the lock says so, who has it and no pages lets go. */
  readonly others: BroadcastPort
  /** End this thread. */
  readonly end: () => void
}

export interface WorkerHost {
  /** Serve one page over this pipe. */
  accept(pipe: Port): void
  /** Close the mesh and end the worker. Idempotent. */
  drain(reason: MeshError): Promise<void>
}

export function createWorkerHost(parts: WorkerHostParts): WorkerHost {
  const { locks, log, clock } = parts
  const carriers = new Set<Carrier>()
  const clients = new Map<string, Carrier>()
  const stop = new AbortController()
  const alive = locks.take(parts.names.alive(parts.id))
  let lock: HeldLock | undefined
  let starting: Promise<Mesh> | undefined
  let draining: Promise<void> | undefined

  const start = async (): Promise<Mesh> => {
    lock ??= await takeLock(parts, stop.signal)
    lock.lost.addEventListener('abort', () => void drain(toMeshError(lock?.lost.reason, 'OLD_INSTANCE')), { once: true })
    const mesh = await parts.start()
    log('bridge.mesh.started', { build: parts.build })
    return mesh
  }
  const mesh = (): Promise<Mesh> => {
    if (stop.signal.aborted) return Promise.reject(toMeshError(stop.signal.reason))
    starting ??= start().catch((error: unknown) => {
      starting = undefined
      // Another copy of the page may have better luck.
      lock?.release()
      lock = undefined
      throw error
    })
    return starting
  }
  const finish = async (reason: MeshError) => {
    stop.abort(reason)
    log('bridge.worker.draining', { code: reason.code })
    const running = await starting?.catch(() => undefined)
    await withDeadline(clock, DRAIN_TIMEOUT, 'closing the mesh', undefined, async () => running?.close()).catch((error: unknown) =>
      log('bridge.drain.failed', { code: toMeshError(error).code }, 'warn'),
    )
    lock?.release()
    // A moment for the answer of drain() to leave.
    clock.after(0, () => {
      for (const carrier of carriers) carrier.end(reason)
      // Not before the end: who hears of it connects anew, and must not meet this thread while it closes.
      parts.end()
      if (!locks.endWithThread) void alive.then(({ release }) => release())
    })
  }
  const drain = (reason: MeshError): Promise<void> => (draining ??= finish(reason))
  parts.others.addEventListener('message', () => {
    // A SharedWorker outlives its pages by minutes; another worker with a page goes first.
    if (lock && carriers.size === 0) void drain(new MeshError('OLD_INSTANCE', 'another worker of this page takes over'))
  })
  return {
    drain,
    accept(pipe) {
      const carrier = createCarrier(pipe, 'worker')
      if (carriers.size >= MAX_CLIENTS) return carrier.end(new MeshError('LIMIT_REACHED', `${MAX_CLIENTS} pages are served already`))
      carriers.add(carrier)
      carrier.signal.addEventListener('abort', () => carriers.delete(carrier), { once: true })
      serveLink<DoorApi>(carrier.channel(CHANNEL.door), door(parts, carrier, { alive, clients, mesh, drain }), carrier.signal)
    },
  }
}

async function takeLock({ locks, names: own, clock, others }: WorkerHostParts, signal: AbortSignal): Promise<HeldLock> {
  const waiting = new AbortController()
  const ask = () => {
    if (waiting.signal.aborted || signal.aborted) return
    others.postMessage('wanted')
    clock.after(WANT_INTERVAL, ask)
  }
  clock.after(WANT_INTERVAL, ask)
  try {
    return await locks.hold(own.mesh, signal)
  } finally {
    waiting.abort()
  }
}

interface DoorParts {
  readonly alive: Promise<HeldLock>
  /** The newest pipe of each page. */
  readonly clients: Map<string, Carrier>
  mesh(): Promise<Mesh>
  drain(reason: MeshError): Promise<void>
}

function door(parts: WorkerHostParts, carrier: Carrier, { alive, clients, mesh, drain }: DoorParts): Methods<DoorApi> {
  const { locks, log, names: own } = parts
  const leave = (why: string) => carrier.end(new MeshError('CLOSED', why))
  let served = false
  return {
    async hello(_, client) {
      await alive
      // A page that got no answer in time tries anew.
      clients.get(client)?.end(new MeshError('CLOSED', 'the page has a newer connection'))
      clients.set(client, carrier)
      carrier.signal.addEventListener('abort', () => clients.get(client) === carrier && clients.delete(client), { once: true })
      // Its lock becomes free when the page is gone, however it went.
      locks.gone(own.client(client), carrier.signal).then(
        () => leave('the page is gone'),
        () => undefined,
      )
      log('bridge.page.hello', { client })
      return { build: parts.build, alive: own.alive(parts.id) }
    },
    async ready() {
      const running = await mesh()
      if (!served && !carrier.signal.aborted) serveMesh(running, carrier, log)
      served = true
    },
    lend(_, part, port) {
      const giveBack = parts.borrow(part, port)
      log('bridge.part.lent', { part })
      carrier.signal.addEventListener('abort', giveBack, { once: true })
    },
    drain: () => drain(new MeshError('OLD_INSTANCE', 'a newer version of this page takes over')),
    bye: () => leave('the page said goodbye'),
  }
}
