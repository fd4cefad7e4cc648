/** Waiting for a condition with a deadline: the only way a test may wait. Must never sleep for a fixed time. */

export interface WaitOptions {
  /** Deadline in ms. Default 5000. */
  readonly ms?: number
  /** ms between two looks. Default 10: longer where each look costs somebody something, e.g. a circuit of a relay that counts them. */
  readonly every?: number
  /** What is awaited, for the failure message. */
  readonly what: string
}

/** Poll until `condition` gives something truthy and return that; throws with `what` after the deadline. */
export async function waitUntil<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const ms = options.ms ?? 5000
  const end = performance.now() + ms
  for (;;) {
    const value = await condition()
    if (value) return value as NonNullable<T>
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for: ${options.what}`)
    await new Promise((resolve) => setTimeout(resolve, options.every ?? 10))
  }
}

const ROUND_TRIPS = 10 // in a row without a change; one would do if nothing overtook anything

/**
 * Resolves with `count()` once something went there and back ten times while it did not change: what a writer that can go on never does, because whatever lets it go
 * on travels the same way as the round trip. `roundTrip` must use the same connection, on another stream. Starts to count when `count()` is above 0.
 */
export async function waitForStandstill(count: () => number, roundTrip: () => Promise<unknown>, options: WaitOptions): Promise<number> {
  let last = 0
  let same = 0
  await waitUntil(async () => {
    await roundTrip()
    const now = count()
    same = now > 0 && now === last ? same + 1 : 0
    last = now
    return same === ROUND_TRIPS
  }, options)
  return last
}
