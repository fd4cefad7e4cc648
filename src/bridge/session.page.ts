/** One connection of a page to a worker: version handshake first, then the mesh. An older worker is told to drain; a newer one means that this page must be reloaded. */
import { throwIfAborted, withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { type Carrier, CHANNEL, createCarrier } from './carrier.ts'
import { connectMesh } from './connect-mesh.ts'
import { compareBuilds, type DoorApi, type HelloAnswer, type LentPart } from './door-api.ts'
import { DRAIN_TIMEOUT, HELLO_TIMEOUTS, MAX_DRAINS, READY_TIMEOUT } from './limits.ts'
import { connectLink, type Link } from './link.ts'
import type { Locks } from './locks.ts'
import type { MeshSession } from './page-mesh.ts'
import type { Reach } from './reach.page.ts'

export interface SessionParts {
  readonly reach: Reach
  readonly locks: Locks
  readonly clock: Clock
  readonly log: Log
  readonly build: string
  /** Names this page's lock, held already. */
  readonly client: string
  /** True until this page had a worker for the first time since it was loaded. */
  readonly fresh: boolean
}

export interface PageSession extends MeshSession {
  readonly owner: boolean
  /** Lock of the worker. */
  readonly alive: string
  lend(part: LentPart, port: MessagePort): Promise<void>
  /** Say goodbye and end. */
  leave(): void
}

interface Greeted {
  readonly carrier: Carrier
  readonly door: Link<DoorApi>
  readonly owner: boolean
  readonly alive: string
}

/** TIMEOUT when no worker answers, UNKNOWN_VERSION when it is newer than this page, else whatever kept the mesh from starting. */
export async function openSession(parts: SessionParts, signal: AbortSignal): Promise<PageSession> {
  const { carrier, door, owner, alive } = await greet(parts, signal)
  try {
    await door.call('ready', [], { ms: READY_TIMEOUT, signal })
    const mesh = await connectMesh(carrier, parts)
    return {
      mesh,
      gone: carrier.signal,
      owner,
      alive,
      lend: (part, port) => door.call('lend', [part, port], { transfer: [port] }),
      leave() {
        door.call('bye', []).catch(() => undefined)
        carrier.end(new MeshError('CLOSED', 'the page leaves'))
      },
    }
  } catch (error) {
    carrier.end(toMeshError(error))
    throw error
  }
}

/** Until a worker of this build answers. */
async function greet(parts: SessionParts, signal: AbortSignal): Promise<Greeted> {
  const { locks, build, fresh, log } = parts
  for (let drains = 0; drains < MAX_DRAINS; drains++) {
    const { hello, ...greeted } = await sayHello(parts, signal)
    const { carrier, door } = greeted
    const order = compareBuilds(build, hello.build, fresh)
    if (order === 'same') {
      watch(locks, hello.alive, carrier)
      return { ...greeted, alive: hello.alive }
    }
    if (order === 'page is newer') {
      log('bridge.worker.old', { worker: hello.build, page: build })
      await drain(parts, door, hello.alive, signal)
    }
    carrier.end(new MeshError('OLD_INSTANCE', 'the worker is of another build'))
    if (order === 'worker is newer') throw new MeshError('UNKNOWN_VERSION', `the mesh runs ${hello.build}, this page is ${build}`)
  }
  throw new MeshError('TIMEOUT', `${MAX_DRAINS} workers of other builds came up`)
}

/** An old worker that does not end is left to its lock: the new one waits for it. */
async function drain({ locks, clock, log }: SessionParts, door: Link<DoorApi>, alive: string, signal: AbortSignal): Promise<void> {
  try {
    await door.call('drain', [], { ms: 2 * DRAIN_TIMEOUT, signal })
    await withDeadline(clock, DRAIN_TIMEOUT, 'the old worker', signal, (own) => locks.gone(alive, own))
  } catch (error) {
    throwIfAborted(signal)
    log('bridge.drain.failed', { code: toMeshError(error).code }, 'warn')
  }
}

async function sayHello(
  { reach, clock, client, build, log }: SessionParts,
  signal: AbortSignal,
): Promise<Omit<Greeted, 'alive'> & { hello: HelloAnswer }> {
  let failure: unknown
  for (const ms of HELLO_TIMEOUTS) {
    const { pipe, owner } = await reach.pipe(signal)
    const carrier = createCarrier(pipe, 'page')
    const door = connectLink<DoorApi>(carrier.channel(CHANNEL.door), { clock, gone: carrier.signal })
    try {
      return { carrier, door, owner, hello: await door.call('hello', [client, build], { ms, signal }) }
    } catch (error) {
      failure = error
      carrier.end(toMeshError(error))
      throwIfAborted(signal)
      log('bridge.hello.failed', { code: toMeshError(error).code, ms }, 'warn')
    }
  }
  throw toMeshError(failure, 'TIMEOUT')
}

/** The worker holds `alive`: when it is free the worker is dead and every pending call ends. */
function watch(locks: Locks, alive: string, carrier: Carrier): void {
  locks.gone(alive, carrier.signal).then(
    () => carrier.end(new MeshError('WORKER_GONE', 'the background part of the page stopped')),
    () => undefined,
  )
}
