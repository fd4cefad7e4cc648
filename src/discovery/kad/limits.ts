/** Caps and waits of the mesh's own DHT: unit, what each guards, why this number. */

/** Bytes of one message: an entry of MAX_ENTRY, or CLOSER relays with MAX_ADDRESSES addresses of at most MAX_ADDRESS_BYTES. */
export const MAX_MESSAGE = 32 * 1024

/** Characters of an entry: a presence record in base64url and eight addresses. */
export const MAX_ENTRY = 6_000

/** Characters of what a private mesh seals into an entry: a sealed presence record and eight addresses, in base64url. */
export const MAX_BOX = 4_500

/** Bytes of a key: the longest namespace and a PeerID. */
export const MAX_KEY = 128

/** Addresses of one relay that are kept and told: a caller tries them in order, more only slows it down. */
export const MAX_ADDRESSES = 8

/** Bytes of one address as it is on the wire: longer ones are skipped. A webrtc-direct address with two certificate hashes has about 120. */
export const MAX_ADDRESS_BYTES = 256

/** Relays in one answer, and those closest to a key that a lookup has to hear: libp2p's k is 20, for networks of millions. */
export const CLOSER = 8

/** Relays that keep an entry, beside the one that made it. Two may be away at once. */
export const COPIES = 3

/** Questions of one lookup at once (libp2p's alpha is 10 for networks in which most are gone), and in all: bounds what a chain of lies costs. */
export const ALPHA = 3
export const MAX_ASKED = 24

/** ms for one question, dial included, and for a whole lookup. */
export const ASK_TIMEOUT = 3_000
export const LOOKUP_TIMEOUT = 10_000

/** Addresses of one relay that are tried for one question. */
export const MAX_DIALS = 3

/** Relays known. Guards memory (about 2 kB each) and the time of sorting them; those that were configured are never pushed out. */
export const MAX_RELAYS = 256

/** Of these, relays that came from one /24 or /64: keys are free, prefixes less so. */
export const MAX_RELAYS_PER_PREFIX = 16

/** Questions in a row that a relay did not answer before it is forgotten. */
export const MAX_FAILURES = 3

/** Entries kept for others. Guards memory: at most 6 kB each, 50 MB. */
export const MAX_ENTRIES = 8_192

/** Of these, entries that came from one /24 or /64: two full lobbies. */
export const MAX_ENTRIES_PER_PREFIX = 2_048

/** Seconds an entry holds at most, and that clocks may differ. Who vanished is findable no longer than this. */
export const ENTRY_LIFETIME = 300
export const MAX_SKEW = 60

/** ms between two times that a relay puts the entries of its lobby; two fit into a lifetime. */
export const PUBLISH_EVERY = 120_000

/** ms that newcomers are gathered before they are published. */
export const GATHER = 500

/** ms between two looks for other relays. */
export const REFRESH_EVERY = 60_000

/** ms between tries while a configured relay does not answer: first, longest. */
export const RETRY = { first: 500, cap: 30_000 } as const

/** Questions on one stream: a full lobby in one go. */
export const MAX_QUESTIONS = 1_100

/** ms without a question until the stream is closed. */
export const IDLE_TIMEOUT = 30_000
