/** Waiting for a condition with a deadline: the only way a test may wait. Must never sleep for a fixed time. */

export interface WaitOptions {
  /** Deadline in ms. Default 5000. */
  readonly ms?: number
  /** What is awaited, for the failure message. */
  readonly what: string
}

/** Poll every 10 ms until `condition` gives something truthy and return that; throws with `what` after the deadline. */
export async function waitUntil<T>(condition: () => T | Promise<T>, options: WaitOptions): Promise<NonNullable<T>> {
  const ms = options.ms ?? 5000
  const end = performance.now() + ms
  for (;;) {
    const value = await condition()
    if (value) return value as NonNullable<T>
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for: ${options.what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
