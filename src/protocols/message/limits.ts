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

/** Messages kept in the store; the oldest are forgotten. */
export const MAX_KEPT = 5_000

/** Ids of received messages remembered a peer, so that one that is sent again arrives once. */
export const MAX_SEEN = 2_000

/** ms until an unanswered message counts as not delivered and is tried again. */
export const RECEIPT_TIMEOUT = 10_000

/** ms between retries while the peer is reachable; doubles up to the cap. */
export const RETRY = { first: 500, cap: 60_000 } as const
