/** Caps of the message protocol: unit, what each guards, why this number. */

/** Bytes of one body: a long text or a small record; files have their own protocol. */
export const MAX_BODY = 256 * 1024

/** Bytes of the JSON header. */
export const MAX_HEADER = 1024

/** Characters of a topic. */
export const MAX_TOPIC = 64

/** Messages that wait for one peer, and bytes of their bodies; above it send() says OUTBOX_FULL. Guards the store against a peer that never returns. */
export const MAX_WAITING_PER_PEER = 1_000
export const MAX_WAITING_BYTES_PER_PEER = 16 * 1024 * 1024

/** The same for all peers together: what a phone can spare, and what is read once at the start. */
export const MAX_WAITING = 10_000
export const MAX_WAITING_BYTES = 32 * 1024 * 1024

/** ms a message waits before it is given up; its line stays and says so. A device that was away for a month is not coming back for small talk. */
export const MAX_WAIT = 30 * 24 * 3_600_000

/** ms between two looks for messages that waited too long. */
export const EXPIRY_INTERVAL = 3_600_000

/** Changes of the history that wait for the store at once; above it a stream is reset and its sender tries again. */
export const MAX_CHANGES = 10_000

/** Peers of whom is remembered up to where was read; above it the first are forgotten, and their lines count as not read. */
export const MAX_MARKS = 10_000

/** Messages shown in the snapshot. */
export const MAX_SHOWN = 500

/** Lines of mine kept in the store, with peers I wrote to; of the longest conversation the oldest are forgotten. */
export const MAX_KEPT = 5_000

/** Bytes of the bodies of those lines. */
export const MAX_KEPT_BYTES = 64 * 1024 * 1024

/** Lines of strangers kept beside them, bytes of their bodies together, and lines of theirs in the snapshot. Guards store and screen: keys are free. */
export const MAX_STRANGER_LINES = 500
export const MAX_STRANGER_BYTES = 8 * 1024 * 1024
export const MAX_STRANGERS_SHOWN = 100

/** Peers I wrote to that are remembered; above it the one first written to is a stranger again. */
export const MAX_KNOWN = 10_000

/** Ids of received messages remembered a peer, so that one that is sent again arrives once. A sender repeats what it has no receipt for, one at a time; more only when its own disk forgot. */
export const MAX_SEEN = 256

/** Peers whose ids are remembered; above it the stranger heard of longest ago is forgotten, then one I know. Guards the store: keys are free, and each may fill 256 ids. */
export const MAX_SEEN_PEERS = 512

/** Messages one peer may bring at once, and ms between two after that: the lobby's 60 a minute, also on a stream that stays open. */
export const MESSAGE_BURST = 60
export const MESSAGE_INTERVAL = 1_000

/** Peers whose pace is known. Guards memory. */
export const MAX_PACED = 4_096

/** ms after the start until the protocol's code is fetched unasked, when nobody was seen before: joining takes about one second on a slow line. */
export const LOAD_DELAY = 1_000

/** What holds until a person chooses. */
export const DEFAULT_SETTINGS = { sendReceipts: true } as const

/** ms until an unanswered message counts as not delivered and is tried again. */
export const RECEIPT_TIMEOUT = 10_000

/** ms between retries while the peer is reachable; doubles up to the cap. */
export const RETRY = { first: 500, cap: 60_000 } as const
