/** The faults a seed draws from, each as something that happens and something that ends it, and the runner of many seeds that names the one that failed. */
import type { FaultyNetwork } from './network.ts'
import type { Random } from './random.ts'

export interface Fault {
  readonly name: string
  /** What it was, in numbers; for the failure message. */
  readonly about?: string
  begin(network: FaultyNetwork): void
  /** After it a machine hears that its network changed (`online`), as browsers tell; a silent hole is heard of in no other way. */
  readonly told: boolean
}

type Draw = (random: Random) => Fault

const DRAWS: readonly Draw[] = [
  (random) => weather('delay', false, { delay: random.between(10, 120), jitter: random.between(0, 120) }),
  (random) => weather('loss', false, { loss: random.between(1, 30) / 100 }),
  (random) => weather('duplicate', false, { duplicate: random.between(5, 50) / 100 }),
  (random) => weather('reorder', false, { reorder: random.between(5, 50) / 100, delay: random.between(5, 20) }),
  (random) => weather('stall', false, { stall: random.pick(['in', 'out', 'both']) }),
  (random) => weather('hole', true, { hole: random.pick(['in', 'out', 'both']) }),
  () => ({ name: 'cut', told: false, begin: (network) => network.cut() }),
  () => ({
    name: 'refuse',
    told: false,
    begin(network) {
      network.set({ refuse: true })
      network.cut()
    },
  }),
  (random) => halfOpen(random.pick(['us', 'them'])),
  (random) => {
    const ms = random.pick([-1, 1]) * random.between(6_000, 3_000_000) // clocks may differ by an hour (presence MAX_SKEW)
    return {
      name: 'sleep',
      about: `${ms} ms`,
      told: true,
      begin(network) {
        network.set({ hole: 'both' })
        network.clock.jump(ms)
      },
    }
  },
]

function weather(name: string, told: boolean, change: Parameters<FaultyNetwork['set']>[0]): Fault {
  return { name, told, about: JSON.stringify(change), begin: (network) => network.set(change) }
}

/** Whoever is not told that the connection is gone finds out when it is told of a change. */
function halfOpen(who: 'us' | 'them'): Fault {
  return { name: 'half-open', about: `${who} hear it`, told: who === 'them', begin: (network) => network.halfOpen(who) }
}

/** 1 … `most` faults, drawn from the seed. */
export function drawFaults(random: Random, most = 4): readonly Fault[] {
  return Array.from({ length: random.between(1, most) }, () => random.pick(DRAWS)(random))
}

export interface SeedOptions {
  readonly seeds: number
  /** Seeds at once. Default 8. */
  readonly parallel?: number
}

/** Runs `run` for seeds 1 … n; FAULT_SEED=n runs that one alone. Fails with the seed in the message, and with any rejection that nobody handled. */
export async function forSeeds({ seeds, parallel = 8 }: SeedOptions, run: (seed: number) => Promise<void>): Promise<void> {
  const only = process.env.FAULT_SEED
  const waiting = only ? [Number(only)] : Array.from({ length: seeds }, (_, at) => at + 1)
  const stray: unknown[] = []
  const onStray = (reason: unknown) => stray.push(reason)
  process.on('unhandledRejection', onStray)
  const work = async () => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      await run(seed).catch((cause: unknown) => {
        waiting.length = 0
        throw new Error(`seed ${seed} (again: FAULT_SEED=${seed}): ${(cause as Error)?.message ?? cause}`, { cause })
      })
      if (stray.length > 0)
        throw new Error(`a rejection that nobody handled, at seed ${seed} or one beside it: ${String(stray[0])}`, { cause: stray[0] })
    }
  }
  try {
    await Promise.all(Array.from({ length: parallel }, work))
  } finally {
    process.off('unhandledRejection', onStray)
  }
}
