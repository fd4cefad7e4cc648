/** Caps of the presence protocol: unit, what each guards, why this number. */

/** Characters of a name: fits a line of the peer list. */
export const MAX_NAME = 64

/** Characters of one record (compact JWS): a 64-character name of 4-byte letters and every claim fit, sealed or not. */
export const MAX_RECORD = 1500

/** Characters of a sealed name with its kind: base64url of about 350 bytes. */
export const MAX_SEALED = 480

/** Bytes of one frame from a peer: a hello with one record. */
export const MAX_PEER_FRAME = 2048

/** Bytes of one frame from a relay: a part of the roster. */
export const MAX_RELAY_FRAME = 64 * 1024

/** Entries in one roster frame: as many records stay below MAX_RELAY_FRAME. */
export const ROSTER_PART = 40

/** Seconds a record lives. A peer that vanished without a word is away after this at the latest. */
export const RECORD_LIFETIME = 600

/** Seconds after which it is renewed: two tries fit before the end. */
export const RENEW_AFTER = 240

/** ms that two clocks may differ. Wide, because who is here is the relay's word anyway: its stream is live. */
export const MAX_SKEW = 3_600_000

/** Entries a relay keeps in one mesh, here and away together: 1024 × ~1 kB. Those away make room first. */
export const MAX_ENTRIES = 1024

/** Of these, entries whose peers came from one /24 or /64: a whole office, as for the hop's places. Keys are free, prefixes less so. */
export const MAX_ENTRIES_PER_PREFIX = 256

/** Meshes with a roster on one relay. */
export const MAX_MESHES = 256

/** Streams one peer may hold open to one relay: paths of one instance, plus one that is just going. */
export const MAX_STREAMS_PER_PEER = 4

/** ms an entry is kept as away. */
export const KEEP_AWAY = 3_600_000

/** ms between looks for records that ran out. */
export const SWEEP_INTERVAL = 15_000

/** ms that changes are gathered before they are pushed: one write for a crowd that arrives at once. */
export const GATHER = 25

/** Bytes queued for a subscriber that reads slowly before it is cut: two full rosters. */
export const MAX_QUEUE = 2 * 1024 * 1024

/** ms until a stream must have said hello. */
export const HELLO_TIMEOUT = 10_000

/** ms that an error frame gets to leave before the connection of an old instance is closed. */
export const GOODBYE_TIME = 250

/** Records of a peer a minute: renewals and renames. */
export const MAX_RECORDS_PER_MINUTE = 30

/** Entries a client keeps in all, from every relay; of one relay at most MAX_ENTRIES, so that none fills the list alone. */
export const MAX_KNOWN = 4096

/** ms after a lost stream until its entries count as away: a reopened stream does not make the list flicker. */
export const LOST_GRACE = 5_000

/** ms between tries to open the stream again: first, longest; and when the relay is full. */
export const RETRY = { first: 200, cap: 5_000 } as const
export const FULL_PAUSE = 15_000
