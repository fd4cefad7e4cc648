/** Caps of the websocket transport. */

/** Bytes the socket may hold unsent before writers wait: bounds what a peer that never reads costs us. */
export const MAX_BUFFERED = 1024 * 1024

/** Bytes below which writers go on. */
export const LOW_WATER = 256 * 1024

/** ms between looks at `bufferedAmount` while a writer waits; browsers have no drain event for WebSocket. */
export const POLL_INTERVAL = 4

/** Bytes of one incoming message; noise frames are at most 65 537. */
export const MAX_MESSAGE = 1024 * 1024

/** ms until an opening socket is given up. */
export const DIAL_TIMEOUT = 8_000
