/** Named locks over all threads of the origin: Web Locks where there are, else an election over BroadcastChannel (broadcast-locks.ts). A holder that dies lets go: that is how every death in the bridge is noticed. */
import { MeshError } from '../shared/errors.ts'

export interface HeldLock {
  /** Idempotent. */
  release(): void
  /** Fires when somebody else took it over: only without Web Locks, after this thread slept. Its holder must stop. */
  readonly lost: AbortSignal
}

export interface Locks {
  /** Waits until `name` is ours. ABORTED by the signal. */
  hold(name: string, signal?: AbortSignal): Promise<HeldLock>
  /** The same for a name that nobody else can know yet, without asking around. */
  take(name: string): Promise<HeldLock>
  /** A thread that held `name` was ended by us and cannot say so itself. */
  freed(name: string): void
  /** Resolves when nobody holds `name`: its holder let go or died. For names with a single holder ever. ABORTED by the signal. */
  gone(name: string, signal?: AbortSignal): Promise<void>
  /** True when the platform itself lets go of the locks of a thread that ends. */
  readonly endWithThread: boolean
  close(): void
}

/** `navigator.locks`, as far as it is used here. */
export interface LockManagerLike {
  request(name: string, options: { mode?: 'exclusive' | 'shared'; signal?: AbortSignal }, work: () => Promise<void> | undefined): Promise<unknown>
}

/** The platform's own locks: they end with their thread, and nobody takes one over. */
export function webLocks(manager: LockManagerLike): Locks {
  const hold: Locks['hold'] = (name, signal) => {
    const got = Promise.withResolvers<HeldLock>()
    const released = Promise.withResolvers<void>()
    const lost = new AbortController()
    manager
      .request(name, { signal }, () => {
        got.resolve({ release: released.resolve, lost: lost.signal })
        return released.promise
      })
      .catch((cause: unknown) => got.reject(signal?.aborted ? new MeshError('ABORTED', `gave up waiting for ${name}`, { cause }) : cause))
    return got.promise
  }
  return {
    hold,
    take: hold,
    freed: () => undefined,
    async gone(name, signal) {
      try {
        // Shared: several may wait for the same death.
        await manager.request(name, { mode: 'shared', signal }, () => undefined)
      } catch (cause) {
        throw new MeshError('ABORTED', `gave up watching ${name}`, { cause })
      }
    },
    endWithThread: true,
    close: () => undefined,
  }
}

/** `locks`, but `name` is held as a Web Lock too where the platform has them: a worker whose page switched Web Locks off still excludes one that uses them. */
export function alsoHolding(name: string, locks: Locks, manager: LockManagerLike | undefined): Locks {
  if (!manager) return locks
  const real = webLocks(manager)
  return {
    ...locks,
    async hold(wanted, signal) {
      if (wanted !== name) return locks.hold(wanted, signal)
      const outer = await real.hold(wanted, signal)
      const inner = await locks.hold(wanted, signal)
      return {
        lost: inner.lost,
        release() {
          inner.release()
          outer.release()
        },
      }
    },
  }
}
