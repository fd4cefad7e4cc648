/** Exponential back-off with jitter as a pure function: attempt number in, milliseconds out. */

export interface BackoffOptions {
  /** ms before the second try. Default 250. */
  readonly first?: number
  /** ms, never more. Default 30 000. */
  readonly cap?: number
  /** 0 … 1, share of the delay that is random. Default 0.3. */
  readonly jitter?: number
}

/** Delay before try number `attempt` (0 = the first try: no delay). `random` in [0, 1). */
export function backoff(attempt: number, random: number, options: BackoffOptions = {}): number {
  if (attempt <= 0) return 0
  const { first = 250, cap = 30_000, jitter = 0.3 } = options
  const whole = Math.min(cap, first * 2 ** Math.min(attempt - 1, 30))
  return Math.round(whole * (1 - jitter * random))
}
