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

/** (who, may) pairs whose usage is kept, each for a minute after its last use. Guards memory: about 700 bytes each. */
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

/** Presence streams a peer may open in a minute and at once: the lobby and 32 private meshes, several of each during a hand-over between networks. */
export const LOBBY_PRESENCE_PER_MINUTE = 120
export const LOBBY_PRESENCE = 80

/** Streams to a relay's desk that a peer may open in a minute and at once: one for each of 32 meshes, and claims. */
export const DESK_STREAMS_PER_MINUTE = 120
export const DESK_STREAMS = 80

/** Streams with questions about where peers are that a stranger, or another relay, may open in a minute and at once: each finds some person, not everybody. */
export const LOBBY_LOOKUPS_PER_MINUTE = 240
export const LOBBY_LOOKUPS = 16

/** Messages a stranger may send in a minute: fast typing, not a flood. */
export const LOBBY_MESSAGES_PER_MINUTE = 60

/** File offers a stranger may make in a minute, and how many may be open or running at once. Content flows only after a person accepts. */
export const LOBBY_OFFERS_PER_MINUTE = 20
export const LOBBY_OFFERS = 8

/** Streams of gossip a stranger may open in a minute, and bytes each may carry: 12 MiB a minute at most, then it waits. */
export const LOBBY_PUBSUB_PER_MINUTE = 6
export const LOBBY_PUBSUB_BYTES = 2 * 1024 * 1024

/** Characters of one membership certificate (compact JWS); ours have about 480. */
export const MAX_CERTIFICATE = 800

/** Certificates from a mesh key to a peer: mesh, user key, and six owners who certified each other. Guards the time of a check. */
export const MAX_CHAIN = 8

/** Seconds a certificate lives: ten years. What ends a membership is a removal; an end by the clock would lock people out of their own mesh. */
export const CERTIFICATE_LIFETIME = 315_360_000

/** ms that a clock may be behind the one that signed. */
export const MEMBERSHIP_SKEW = 3_600_000

/** Peers removed from one mesh that are remembered, and characters of the signed list with as many. */
export const MAX_REMOVED = 512
export const MAX_REVOKED = 65_536

/** ms that a proof of a user key may be old, or a clock wrong. */
export const USER_PROOF_SKEW = 600_000

/** Characters of a signed leave; ours have about 340. */
export const MAX_LEAVE = 600

/** Members of one mesh, spare keys included: each costs about 1.5 kB in a document that every change sends to everybody. */
export const MAX_MEMBERS = 200

/** Characters of a mesh document: MAX_MEMBERS with chains of two certificates fit. */
export const MAX_DOCUMENT = 393_216

/** Characters of a mesh's name or of a name in it. */
export const MAX_MESH_NAME = 64

/** Live invites of one mesh, and uses of one. Guards the size of the document and what a relay keeps. */
export const MAX_INVITES_PER_MESH = 128
export const MAX_INVITE_USES = 100

/** ms an invite lives at most, and by default. A link is a secret that lies in chats. */
export const MAX_INVITE_LIFETIME = 365 * 86_400_000
export const INVITE_LIFETIME = 7 * 86_400_000

/** Characters of an invite token, and of the link or the text around it. A code to scan holds about 2000. */
export const MAX_TOKEN = 2400
export const MAX_LINK = 8192

/** Origins of other relays in one invite. */
export const MAX_INVITE_RELAYS = 4

/** Characters of what an invite opens. */
export const MAX_OPENS = 256
