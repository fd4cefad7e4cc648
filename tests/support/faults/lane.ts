/** One direction of one faulty socket: messages go through the weather and come out in order, late, twice or never. */
import type { Random } from './random.ts'
import { goes, type Weather } from './weather.ts'

export interface Lane {
  put(data: Uint8Array<ArrayBuffer>): void
  /** Bytes not yet handed on. */
  waiting(): number
  /** The weather changed: what stalled may go now. */
  look(): void
  /** Hand on nothing more. */
  end(): void
}

export interface LaneParts {
  readonly way: 'in' | 'out'
  readonly weather: () => Weather
  readonly random: Random
  readonly deliver: (data: Uint8Array<ArrayBuffer>) => void
}

export function createLane({ way, weather, random, deliver }: LaneParts): Lane {
  const queue: { readonly data: Uint8Array<ArrayBuffer>; readonly due: number }[] = []
  let state: 'open' | 'dead' | 'ended' = 'open' // dead = bytes are missing, and nothing behind them may arrive
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = 0

  const run = () => {
    clearTimeout(timer)
    timer = undefined
    if (state === 'open' && goes(weather().hole, way)) state = 'dead'
    while (queue.length > 0 && state === 'open' && !goes(weather().stall, way)) {
      const wait = (queue[0] as (typeof queue)[number]).due - performance.now()
      if (wait > 0) {
        timer = setTimeout(run, wait)
        return
      }
      deliver((queue.shift() as (typeof queue)[number]).data)
    }
    if (state !== 'open') queue.length = 0
  }
  const add = (data: Uint8Array<ArrayBuffer>) => {
    const { delay, jitter } = weather()
    last = Math.max(last, performance.now() + delay + jitter * random.next())
    queue.push({ data, due: last })
  }
  return {
    put(data) {
      if (state !== 'open') return
      const { loss, duplicate, reorder } = weather()
      if (random.next() < loss) return
      add(data)
      if (random.next() < duplicate) add(data.slice())
      if (queue.length > 1 && random.next() < reorder) queue.splice(-2, 2, queue.at(-1) as never, queue.at(-2) as never)
      // In this task when nothing is wrong: an order of its own among microtasks would be a fault nobody asked for.
      if (!timer) run()
    },
    waiting: () => queue.reduce((sum, { data }) => sum + data.byteLength, 0),
    look: run,
    end() {
      clearTimeout(timer)
      state = 'ended'
      queue.length = 0
    },
  }
}
