/** Three ways from a page to the worker that holds the mesh: a SharedWorker; a dedicated worker of this tab; or another tab's dedicated worker, found by knocking on a BroadcastChannel. */
import { type Port, toPort } from '../core/port.ts'
import { abortable, sleep } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'
import type { Knock, names } from './door-api.ts'
import { KNOCK_INTERVAL } from './limits.ts'
import type { Locks } from './locks.ts'

export interface Reach {
  /** A fresh pipe; called again after the worker behind the last one is gone. */
  pipe(signal: AbortSignal): Promise<ReachedPipe>
  /** Ends a dedicated worker of this tab. */
  close(): void
}

export interface ReachedPipe {
  readonly pipe: Port
  /** True when this page must lend its parts because nobody else can: it owns the worker. */
  readonly owner: boolean
}

export function sharedReach(open: () => SharedWorker): Reach {
  return {
    async pipe() {
      const worker = open()
      worker.addEventListener('error', (event) => event.preventDefault())
      return { pipe: toPort(worker.port), owner: false }
    },
    close: () => undefined,
  }
}

export interface DedicatedParts {
  readonly open: () => Worker
  readonly locks: Locks
  readonly clock: Clock
  readonly names: ReturnType<typeof names>
  readonly newId: () => string
}

/** Waits for the lock of the tab in the background for as long as it lives; meanwhile uses the worker of the tab that has it. */
export function dedicatedReach(parts: DedicatedParts): Reach {
  const stop = new AbortController()
  let worker: Worker | undefined
  const owning = parts.locks.hold(parts.names.tab, stop.signal)
  owning.catch(() => undefined)
  const own = async (): Promise<ReachedPipe> => {
    await owning
    // Asked again means that the last one is gone or drained.
    worker?.terminate()
    worker = parts.open()
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ t: 'dmesh-port', port: port2 }, [port2])
    return { pipe: toPort(port1), owner: true }
  }
  return {
    async pipe(signal) {
      const done = new AbortController()
      try {
        const knocking = knock(parts, AbortSignal.any([signal, stop.signal, done.signal]))
        knocking.catch(() => undefined)
        const isOwner = await abortable(Promise.race([owning.then(() => true), knocking.then(() => false)]), signal)
        return isOwner ? await own() : { pipe: await knocking, owner: false }
      } finally {
        done.abort(new MeshError('ABORTED', 'found'))
      }
    },
    close() {
      stop.abort(new MeshError('CLOSED', 'the page leaves'))
      worker?.terminate()
      void owning.then(({ release }) => release()).catch(() => undefined)
    },
  }
}

/** Until somebody opens or the signal fires. */
async function knock({ clock, names: own, newId }: DedicatedParts, signal: AbortSignal): Promise<Port> {
  const door = new BroadcastChannel(own.door)
  const id = newId()
  const opened = new Promise<void>((resolve) => {
    door.addEventListener('message', ({ data }: MessageEvent<Knock>) => {
      if (data.t === 'open' && data.pipe === id) resolve()
    })
  })
  let answered = false
  void opened.then(() => (answered = true))
  // Open before the first knock: what the worker says first must not be missed.
  const pipe = new BroadcastChannel(own.pipe(id))
  try {
    while (!answered) {
      door.postMessage({ t: 'knock', pipe: id } satisfies Knock)
      await abortable(Promise.race([opened, sleep(clock, KNOCK_INTERVAL, signal)]), signal)
    }
    return toPort(pipe)
  } catch (error) {
    pipe.close()
    throw error
  } finally {
    door.close()
  }
}
