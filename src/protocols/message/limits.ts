/** Caps of the message protocol: unit, what each guards, why this number. */

/** Bytes of one body: a long text or a small record; files have their own protocol. */
export const MAX_BODY = 256 * 1024

/** Bytes of the JSON header. */
export const MAX_HEADER = 1024

/** Characters of a topic. */
export const MAX_TOPIC = 64

/** Messages that wait for one peer; above it send() says LIMIT_REACHED. */
export const MAX_WAITING_PER_PEER = 1_000

/** Messages shown in the snapshot. */
export const MAX_SHOWN = 500

/** Lines of mine kept in the store, with peers I wrote to; of the longest conversation the oldest are forgotten. */
export const MAX_KEPT = 5_000

/** Lines of strangers kept beside them, bytes of their bodies together, and lines of theirs in the snapshot. Guards store and screen: keys are free. */
export const MAX_STRANGER_LINES = 500
export const MAX_STRANGER_BYTES = 8 * 1024 * 1024
export const MAX_STRANGERS_SHOWN = 100

/** Peers I wrote to that are remembered; above it the one first written to is a stranger again. */
export const MAX_KNOWN = 10_000

/** Ids of received messages remembered a peer, so that one that is sent again arrives once. */
export const MAX_SEEN = 2_000

/** Peers whose ids are remembered; above it the stranger heard of longest ago is forgotten, then one I know. Guards the store: keys are free, and each may fill 2000 ids. */
export const MAX_SEEN_PEERS = 512

/** Messages one peer may bring at once, and ms between two after that: the lobby's 60 a minute, also on a stream that stays open. */
export const MESSAGE_BURST = 60
export const MESSAGE_INTERVAL = 1_000

/** Peers whose pace is known. Guards memory. */
export const MAX_PACED = 4_096

/** ms until an unanswered message counts as not delivered and is tried again. */
export const RECEIPT_TIMEOUT = 10_000

/** ms between retries while the peer is reachable; doubles up to the cap. */
export const RETRY = { first: 500, cap: 60_000 } as const
