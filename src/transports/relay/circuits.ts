/** The relay's table of running circuits: counts bytes, enforces each one's bytes and time, cuts on demand. Must never see what the bytes are. */
import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { STALL_TIMEOUT } from './limits.ts'
import { splice } from './splice.ts'

const MAX_TIMER = 2 ** 31 - 1 // ms; a longer timer would fire at once

export interface CircuitLimits {
  /** Both directions together. */
  readonly bytes?: number
  /** ms. */
  readonly time?: number
}

export interface CircuitInfo {
  readonly from: string
  readonly to: string
  /** ms since 1970. */
  readonly since: number
  /** Bytes from the dialer to the destination so far, and back. */
  readonly forward: number
  readonly back: number
}

export interface CircuitInit {
  readonly from: string
  readonly to: string
  readonly limits: CircuitLimits
  /** Told about bytes before they pass; throws nothing, returns a reason to cut. */
  readonly spend: (bytes: number) => MeshError | undefined
  /** Called once when it ended. `cause` is undefined when both sides closed well. */
  readonly ended: (info: CircuitInfo, cause: MeshError | undefined) => void
}

export interface CircuitTable {
  /** Join two streams; both belong to the circuit from here on. */
  join(source: Stream, target: Stream, init: CircuitInit): void
  all(): readonly CircuitInfo[]
  /** Cut those for which `reasonFor` gives a reason. */
  cut(reasonFor: (info: CircuitInfo) => MeshError | undefined): void
  /** Bytes relayed since the start, ended circuits included. */
  totals(): { readonly forward: number; readonly back: number }
  /** Resolves when none runs. */
  idle(): Promise<void>
}

interface Circuit extends CircuitInfo {
  forward: number
  back: number
  cut(reason: MeshError): void
}

export function createCircuitTable(clock: Clock, stall = STALL_TIMEOUT): CircuitTable {
  const circuits = new Set<Circuit>()
  const total = { forward: 0, back: 0 }
  const waiting = new Set<() => void>()
  const wakeWhenIdle = () => {
    if (circuits.size > 0) return
    for (const wake of waiting) wake()
    waiting.clear()
  }

  const join = (source: Stream, target: Stream, { from, to, limits, spend, ended }: CircuitInit) => {
    const overdraft = (circuit: Circuit, bytes: number): MeshError | undefined => {
      const refused = spend(bytes)
      if (refused) return refused
      if (limits.bytes === undefined || circuit.forward + circuit.back <= limits.bytes) return undefined
      return new MeshError('LIMIT_REACHED', `circuit of ${limits.bytes} bytes is used up`)
    }
    const joined = splice(source, target, {
      clock,
      stall,
      onBytes(direction, bytes) {
        circuit[direction] += bytes
        total[direction] += bytes
        const reason = overdraft(circuit, bytes)
        if (reason) joined.cut(reason)
      },
    })
    const circuit: Circuit = { from, to, since: clock.now(), forward: 0, back: 0, cut: joined.cut }
    circuits.add(circuit)
    const expire = () => joined.cut(new MeshError('LIMIT_REACHED', `circuit of ${limits.time} ms is over`))
    const cancel = limits.time === undefined ? () => {} : clock.after(Math.min(limits.time, MAX_TIMER), expire)
    const end = (cause: MeshError | undefined) => {
      cancel()
      circuits.delete(circuit)
      ended(infoOf(circuit), cause)
      wakeWhenIdle()
    }
    joined.done.then(() => end(undefined), end)
  }

  return {
    join,
    all: () => [...circuits].map(infoOf),
    cut(reasonFor) {
      for (const circuit of [...circuits]) {
        const reason = reasonFor(infoOf(circuit))
        if (reason) circuit.cut(reason)
      }
    },
    totals: () => ({ ...total }),
    idle() {
      if (circuits.size === 0) return Promise.resolve()
      return new Promise((resolve) => waiting.add(resolve))
    },
  }
}

function infoOf({ from, to, since, forward, back }: Circuit): CircuitInfo {
  return { from, to, since, forward, back }
}
