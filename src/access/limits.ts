/** Numbers of the access room: unit, what each guards, why this value. The lobby's are what a stranger gets for nothing. */

/** Rows of one policy. Guards memory and the time of a decision; a person reads them in Settings, so hundreds are too many already. */
export const MAX_ROWS = 512

/** Entries of `who`, `may` or `to` in one row. Guards the size of a row; more belong into a second row. */
export const MAX_ENTRIES = 256

/** Characters of one entry, id or label. A PeerID has 52, a protocol id of ours under 40. */
export const MAX_ENTRY_CHARS = 128

/** Changes of a policy that may wait for the store. Guards memory when the store hangs. */
export const MAX_WAITING_CHANGES = 64

/** Bytes of an access file. Guards the parser; 512 full rows have about a third of this. */
export const MAX_ACCESS_FILE_BYTES = 1_048_576

/** Nesting of an access file. Guards the parser's stack; a real one has 4. */
export const MAX_JSON_DEPTH = 16

/** Entries of the tests section. Guards the time of a reload. */
export const MAX_FILE_TESTS = 1024

/** ms without a further change before an access file is read again. Editors write in several steps. */
export const RELOAD_AFTER_MS = 100

/** Reads of an access file that may wait. One would do; the rest are callers of reload(). */
export const MAX_WAITING_RELOADS = 8

/** (who, may) pairs whose usage is kept. Guards memory: about 200 bytes each. */
export const MAX_USAGE_KEYS = 10_000

/** Bytes of a lobby circuit in both directions together: one film, so that a relay of a person at home is not somebody's content network. */
export const LOBBY_CIRCUIT_BYTES = 2 * 1024 ** 3

/** ms a lobby circuit may live: long enough for those bytes at 2.4 Mbit/s. */
export const LOBBY_CIRCUIT_MS = 2 * 3_600_000

/** Lobby circuits one peer may start in a minute: reconnects after a network change, not a scan of the lobby. */
export const LOBBY_CIRCUITS_PER_MINUTE = 60

/** Lobby circuits of one peer at once: one to each of 32 others. */
export const LOBBY_CIRCUITS = 32

/** Reservations a peer may ask for in a minute: one every 30 s is what a keeper does, the rest is for flapping networks. */
export const LOBBY_RESERVATIONS_PER_MINUTE = 30

/** Presence streams a peer may open in a minute and at once (several during a hand-over between networks). */
export const LOBBY_PRESENCE_PER_MINUTE = 30
export const LOBBY_PRESENCE = 4

/** Messages a stranger may send in a minute: fast typing, not a flood. */
export const LOBBY_MESSAGES_PER_MINUTE = 60

/** File offers a stranger may make in a minute, and how many may be open or running at once. Content flows only after a person accepts. */
export const LOBBY_OFFERS_PER_MINUTE = 20
export const LOBBY_OFFERS = 8

/** Streams of gossip a stranger may open in a minute, and bytes each may carry: 12 MiB a minute at most, then it waits. */
export const LOBBY_PUBSUB_PER_MINUTE = 6
export const LOBBY_PUBSUB_BYTES = 2 * 1024 * 1024
