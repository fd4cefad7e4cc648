/** One connection of a page to a worker: version handshake first, then the mesh. An older worker is told to drain; a newer one means that this page must be reloaded. */
import { withDeadline } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { type Carrier, CHANNEL, createCarrier } from './carrier.ts'
import { connectMesh } from './connect-mesh.ts'
import { compareBuilds, type DoorApi, type LentPart } from './door-api.ts'
import { DRAIN_TIMEOUT, HELLO_TIMEOUT, MAX_CONNECT_TRIES, READY_TIMEOUT } from './limits.ts'
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
  lend(part: LentPart, port: MessagePort): Promise<void>
  /** Say goodbye and end. */
  leave(): void
}

interface Greeted {
  readonly carrier: Carrier
  readonly door: Link<DoorApi>
  readonly owner: boolean
}

/** TIMEOUT when no worker answers, UNKNOWN_VERSION when it is newer than this page, else whatever kept the mesh from starting. */
export async function openSession(parts: SessionParts, signal: AbortSignal): Promise<PageSession> {
  const { carrier, door, owner } = await greet(parts, signal)
  try {
    await door.call('ready', [], { ms: READY_TIMEOUT, signal })
    const mesh = await connectMesh(carrier, parts)
    return {
      mesh,
      gone: carrier.signal,
      owner,
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
  const { reach, locks, clock, build, client, fresh, log } = parts
  let failure: unknown
  for (let attempt = 0; attempt < MAX_CONNECT_TRIES; attempt++) {
    const { pipe, owner } = await reach.pipe(signal)
    const carrier = createCarrier(pipe, 'page')
    const door = connectLink<DoorApi>(carrier.channel(CHANNEL.door), { clock, gone: carrier.signal })
    try {
      const hello = await door.call('hello', [client, build], { ms: HELLO_TIMEOUT, signal })
      const order = compareBuilds(build, hello.build, fresh)
      if (order === 'worker is newer') throw new MeshError('UNKNOWN_VERSION', `the mesh runs ${hello.build}, this page is ${build}`)
      if (order === 'same') {
        watch(locks, hello.alive, carrier)
        return { carrier, door, owner }
      }
      log('bridge.worker.old', { worker: hello.build, page: build })
      await door.call('drain', [], { ms: 2 * DRAIN_TIMEOUT, signal }).catch((error: unknown) => (failure = error))
      await withDeadline(clock, DRAIN_TIMEOUT, 'the old worker', signal, (own) => locks.gone(hello.alive, own)).catch(
        (error: unknown) => (failure = error),
      )
    } catch (error) {
      carrier.end(toMeshError(error))
      if (toMeshError(error).code !== 'TIMEOUT') throw error
      failure = error
    }
    carrier.end(new MeshError('OLD_INSTANCE', 'the worker was of another build'))
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
