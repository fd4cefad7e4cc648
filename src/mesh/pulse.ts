/** Whether a connection still carries bytes: asks by ping, and any byte that comes counts as the answer. What stays silent is doubted, asked once more and cut. Must never call a connection dead whose bytes still arrive, nor after a stall of our own. */
import type { Connection } from '@libp2p/interface'
import { sleep } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'
import { PULSE } from './limits.ts'

export interface PulseParts {
  readonly clock: Clock
  /** Sends a ping; rejects when the peer has none or it goes unanswered. */
  readonly measure: (connection: Connection) => Promise<number>
  /** ms, the newest measurement. */
  readonly rttOf: (connection: Connection) => number | undefined
  /** It said nothing when asked (true), or something after all (false). */
  readonly doubt: (connection: Connection, silent: boolean) => void
  /** Who decides about this connection alone, and is told that it is silent instead. */
  readonly keptBy: (connection: Connection) => { kick(): void } | undefined
  readonly signal: AbortSignal
}

export interface Pulse {
  /** Listen from now on. Call when it opens: its handshake was heard just now. */
  follow(connection: Connection): void
  /** Monotonic ms when the last bytes came; -Infinity before the first. */
  heardAt(connection: Connection): number
  /** True as soon as a byte comes after the question; false when none came in time. Closes nothing. */
  ask(connection: Connection, least?: number): Promise<boolean>
  /** Something was sent that must be answered: true unless it stays silent and does not answer when asked. */
  expect(connection: Connection): Promise<boolean>
  /** ms within which an answer can be expected. */
  patience(connection: Connection): number
  /** Ask; cut it when it stays silent twice. */
  check(connection: Connection): Promise<void>
}

interface Ear {
  at: number
  readonly waiting: Set<() => void>
}

export function createPulse(parts: PulseParts): Pulse {
  const { clock, signal } = parts
  const ears = new WeakMap<Connection, Ear>()
  const questions = new WeakMap<Connection, Promise<boolean>>()
  const checks = new WeakMap<Connection, Promise<void>>()

  const heard = (ear: Ear) => {
    ear.at = clock.monotonic()
    for (const tell of ear.waiting) tell()
  }
  const follow = (connection: Connection): Ear => {
    const known = ears.get(connection)
    if (known) return known
    const ear: Ear = { at: Number.NEGATIVE_INFINITY, waiting: new Set() }
    ears.set(connection, ear)
    // What the transport brings, before it is taken apart: any frame of any stream. Not every transport has such a place; there the ping alone counts.
    const { maConn } = connection as unknown as { maConn?: Partial<EventTarget> }
    maConn?.addEventListener?.('message', () => heard(ear))
    return ear
  }
  const patience = (connection: Connection): number => {
    const rtt = parts.rttOf(connection)
    return rtt === undefined ? PULSE.unknown : Math.min(PULSE.most, Math.max(PULSE.least, PULSE.rtts * rtt))
  }
  const question = async (connection: Connection, least: number): Promise<boolean> => {
    const ear = follow(connection)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const yes = () => resolve(true)
    ear.waiting.add(yes)
    const no = () => resolve(false)
    connection.addEventListener('close', no)
    // Who does not speak ping has answered too.
    parts.measure(connection).then(yes, (error: Error) => error.name === 'UnsupportedProtocolError' && yes())
    const over = new AbortController()
    silence(clock, Math.max(least, patience(connection)), AbortSignal.any([signal, over.signal])).then(no, no)
    return promise.finally(() => {
      ear.waiting.delete(yes)
      connection.removeEventListener('close', no)
      over.abort()
    })
  }
  const ask = (connection: Connection, least = 0): Promise<boolean> => {
    if (connection.status !== 'open' || signal.aborted) return Promise.resolve(false)
    return once(questions, connection, () => question(connection, least))
  }
  const check = async (connection: Connection): Promise<void> => {
    if (await ask(connection)) return parts.doubt(connection, false)
    if (connection.status !== 'open' || signal.aborted) return
    parts.doubt(connection, true)
    const keeper = parts.keptBy(connection)
    if (keeper) return keeper.kick()
    const alive = await ask(connection, PULSE.unknown)
    if (alive) parts.doubt(connection, false)
    else if (connection.status === 'open' && !signal.aborted) connection.abort(new MeshError('PATH_LOST', 'the connection stayed silent'))
  }
  /** One each: what was heard before the sending says nothing about it. */
  const expect = async (connection: Connection): Promise<boolean> => {
    const from = clock.monotonic()
    await silence(clock, patience(connection), signal).catch(() => undefined)
    if (follow(connection).at >= from || (await ask(connection))) return true
    void once(checks, connection, () => check(connection))
    return connection.status !== 'open'
  }
  return {
    follow(connection) {
      follow(connection).at = clock.monotonic()
    },
    heardAt: (connection) => follow(connection).at,
    ask,
    expect,
    patience,
    check: (connection) => once(checks, connection, () => check(connection)),
  }
}

/** One at a time for each connection. */
function once<T>(flights: WeakMap<Connection, Promise<T>>, connection: Connection, work: () => Promise<T>): Promise<T> {
  const running = flights.get(connection)
  if (running) return running
  const flight = work().finally(() => flights.delete(connection))
  flights.set(connection, flight)
  return flight
}

/** `ms`, and once more when we ourselves could not run meanwhile: whoever stood still could not hear either. */
async function silence(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  for (let again = 0; again < 2; again++) {
    const start = clock.monotonic()
    await sleep(clock, ms, signal)
    if (clock.monotonic() - start < ms + PULSE.stall) return
  }
}
