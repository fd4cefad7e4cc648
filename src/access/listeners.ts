/** Who wants to hear that a policy changed. A listener that throws stops nobody; each runs in its own microtask. */
import type { Policy } from '../core/access.ts'
import { codeOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

export interface Listeners {
  readonly add: Policy['onChange']
  tell(): void
}

export function createListeners(log: Log): Listeners {
  const set = new Set<() => void>()
  return {
    add(listen, { signal } = {}) {
      if (signal?.aborted) return
      // A wrapper of its own, so that the same function added twice is told twice and removed one by one.
      const own = () => listen()
      set.add(own)
      signal?.addEventListener('abort', () => set.delete(own), { once: true })
    },
    tell() {
      for (const listen of set) {
        queueMicrotask(() => {
          try {
            if (set.has(listen)) listen()
          } catch (error) {
            log('access.listener.failed', { code: codeOf(error) }, 'error')
          }
        })
      }
    },
  }
}
