/** Waits and caps of the terminal peer: unit, what each guards, why this number. */

/** ms for a peer that holds the data directory to answer on its socket: it loads libp2p in about a second, several on a busy machine. */
export const ATTACH_MS = 20_000

/** ms between two looks whether it answers. */
export const ATTACH_RETRY = 100

/** ms for all parts to close; what is not done then is cut. */
export const CLOSE_MS = 4_000

/** ms for the first snapshot, and for a relay to give a place, unless --wait says otherwise. */
export const READY_MS = 30_000

/** Bytes of standard input that are kept for sending: it has to lie on disk, since its size is told before its bytes. */
export const MAX_SPOOL = 64 * 1024 ** 3

/** Characters of a line of chat: the message protocol takes 256 KiB, of up to four bytes each. */
export const MAX_CHAT_LINE = 64 * 1024

/** Names tried for a received file before it is given up: "report (999).pdf". */
export const MAX_SAME_NAME = 999
