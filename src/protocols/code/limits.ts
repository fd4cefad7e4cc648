/** Caps of short codes on the wire: unit, what each guards, why this number. */

/** Bytes of one frame: an invite link and its seal. */
export const MAX_FRAME = 16 * 1024

/** ms that an exchange may take: four frames over a slow path. */
export const EXCHANGE_TIMEOUT = 20_000

/** Tries a peer may start in a minute, and at once. Each costs the one who is asked its code. */
export const TRIES_PER_MINUTE = 6
export const TRIES_AT_ONCE = 2
