/** Caps of the echo protocol. */

/** ms a stream may stay open without an end: a forgotten probe must not hold a slot for ever. */
export const MAX_LIFE = 600_000
