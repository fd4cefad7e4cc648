/** Caps of the websocket transport. */

/** Bytes the socket may hold unsent before writers wait: bounds what a peer that never reads costs us. */
export const MAX_BUFFERED = 1024 * 1024

/** Bytes below which writers go on. */
export const LOW_WATER = 256 * 1024

/** Bytes put together into one outgoing message: four Noise frames, a quarter of what we take ourselves. */
export const MAX_BATCH = 256 * 1024

/** ms between looks at `bufferedAmount` while a writer waits; browsers have no drain event for WebSocket. */
export const POLL_INTERVAL = 4

/** Bytes of one incoming message; noise frames are at most 65 537. */
export const MAX_MESSAGE = 1024 * 1024

/**
 * Sockets that have not proved a key yet: in all, and from one /24 or /64. One costs a socket for at most libp2p's 10 s. Beyond them the one that waits
 * longest is cut. In all fewer than the mesh takes (its MAX_PENDING), so that sharing comes before refusing; at the front's 20 upgrades a second from one
 * prefix the last 128 have six seconds each.
 */
export const PENDING = { all: 2048, perPrefix: 128 } as const

/** ms until an opening socket is given up. */
export const DIAL_TIMEOUT = 8_000
