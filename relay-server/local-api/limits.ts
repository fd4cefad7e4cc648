/** Caps of the local API: unit, what each guards, why this number. */

/** Bytes of a request body: the longest is a PeerID and two flags. */
export const MAX_REQUEST = 4096

/** Bytes of an answer that the client reads: `peers` with 10 000 entries is below it. */
export const MAX_ANSWER = 8 * 1024 * 1024

/** Connections at once; commands of one person. */
export const MAX_CONNECTIONS = 32

/** ms until a request must be complete. */
export const REQUEST_TIMEOUT = 5_000

/** ms that the client waits for an answer; `ping` has its own deadline below it. */
export const ANSWER_TIMEOUT = 20_000

/** ms for one ping. */
export const PING_TIMEOUT = 15_000

/** Bytes of a socket's path, sun_path of Linux with its final zero (unix(7)). */
export const MAX_SOCKET_PATH = 107

/** Random bytes of the token. */
export const TOKEN_BYTES = 32
