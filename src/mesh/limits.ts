/** Caps and waits of the mesh room: unit, what each guards, why this number. */

/** ms until a dial to a relay or a peer is given up: two lost SYNs on a slow mobile network. */
export const DIAL_TIMEOUT = 10_000

/** ms for `open()` when the caller gives no signal: a dial plus a negotiation. */
export const OPEN_TIMEOUT = 15_000

/** ms for one direct attempt (signalling, ICE, DTLS); ICE itself gives up at about 15 s. */
export const DIRECT_TIMEOUT = 15_000

/** ms the peer with the larger key leaves the other one to dial first. */
export const DIAL_GRACE = 1_500

/** Connections above which trimming starts, and where it stops; browsers slow down near 100 sockets. */
export const HIGH_WATER = 96
export const LOW_WATER = 64

/**
 * Incoming connections that have not proved a key yet. One costs a socket, and is cut after libp2p's 10 s. Above what the listeners take together, each of
 * which shares its places by address prefix: libp2p itself would refuse everybody.
 */
export const MAX_PENDING = 4096

/** ms during which a fresh connection is not trimmed. */
export const FRESH = 20_000

/** Peers of the roster that are connected without being asked; the others are dialled when needed. */
export const MAX_EAGER_PEERS = 32

/** Bytes a readable holds before the sender is paused: one yamux window. */
export const READ_HIGH_WATER = 256 * 1024

/** Bytes of data that arrived in several pieces below which joining them costs less than passing each on. */
export const JOIN_BELOW = 16 * 1024

/** Bytes of the header before each frame's body in yamux (its specification: version, type, flags, stream, length). */
export const FRAME_HEADER = 12

/** Bytes that each chunk in a readable counts for beside its own: one of a single byte takes about 700. */
export const CHUNK_COST = 768

/** Streams of one protocol on one connection. A flood of 10 000 is cut here. */
export const MAX_STREAMS_PER_PROTOCOL = 256

/** Streams of one connection together. With INITIAL_WINDOW each it bounds what a peer that floods and is never read can make us hold. */
export const MAX_STREAMS = 512

/** ms that the yes to a question with bytes behind it waits for the answer to them. Its opener waits for neither. */
export const YES_DELAY = 20

/** Protocols remembered of one connection as spoken by the peer: as many as one page may handle. Those above it are asked for each time. */
export const MAX_AGREED = 256

/** Bytes a DMesh peer may send on a new stream before the first window update: 50 MB/s at 20 ms. */
export const INITIAL_WINDOW = 1024 * 1024

/** ms; a longer timer would fire at once. */
export const MAX_TIMER = 2 ** 31 - 1

/** Bytes read below which a stream's window is not told anew: a request needs no such frame, and a flow is told with each of its frames, because a wait of a quarter of the window slowed relayed flows. */
export const WINDOW_STEP = 16 * 1024

/** Path attempts kept for "Why this path?". */
export const MAX_ATTEMPTS = 16

/** Peers whose attempts are kept; the one tried longest ago is forgotten. Guards memory: whoever calls chooses the key. */
export const MAX_ATTEMPT_PEERS = 256

/** Denials remembered so that the opener can be told why. */
export const MAX_DENIALS = 256

/** ms for the opener's question why its stream was refused. */
export const WHY_TIMEOUT = 2_000

/** Bytes of a question or an answer of the why protocol. */
export const MAX_WHY_FRAME = 1024

/** ms between RTT measurements of a quiet path, and how long one may take. */
export const RTT_INTERVAL = 20_000
export const RTT_TIMEOUT = 5_000

/** Failed measurements in a row after which a connection counts as dead. */
export const RTT_STRIKES = 2

/**
 * ms. A connection that was asked must answer within `rtts` round trips, at least `least` and at most `most`; within `unknown` before the first measurement and when it is asked
 * for the last time. A timer that comes later than `stall` says that we stood still ourselves.
 */
export const PULSE = { rtts: 4, least: 600, most: 3_000, unknown: 1_500, stall: 500 } as const

/** ms without a byte after which a protocol that the peer agreed to before is asked for again instead of sending at once: a dead path shows before bytes are lost on it. */
export const EAGER_FRESH = 5_000

/** ms after which a step on the way to a stream (a path, a relay, an address) no longer holds up the next one, before a round trip is known. */
export const STEP = 1_500

/** ways tried side by side for one stream: every relay and a path or two. */
export const MAX_WAYS = 6

/** ms between looks at a quiet connection to a relay that holds a place: it is how others reach us. 2 MB a day. */
export const RELAY_INTERVAL = 10_000

/** Relays that a mesh holds places at. More add idle traffic and hardly any reach. */
export const MAX_RELAYS = 4

/** Ways to a peer told by why(): all relays, every link and attempt of one peer. */
export const MAX_CANDIDATES = 32

/** Dials to one relay side by side: one each RETRY while older ones hang. */
export const MAX_DIALS = 6

/** ms between snapshots: one frame of a 60 Hz screen. */
export const SNAPSHOT_INTERVAL = 16

/** Times its own duration that a snapshot rests before the next: a relay with thousands of peers spends a twentieth of its time on them, whatever changes. */
export const SNAPSHOT_REST = 20

/** ms between two looks at the clock; a gap larger than SLEPT means the machine slept. */
export const TICK = 1_000
export const SLEPT = 5_000

/** Peers remembered while away. */
export const MAX_AWAY = 200

/** Characters of a name. */
export const MAX_NAME = 64

/** Bytes a peer may send on one stream before we read: what a stream that is never read costs us. */
export const STREAM_WINDOW = 4 * 1024 * 1024

/** The same on a relay, which holds two windows a circuit and has many of them. */
export const RELAY_WINDOW = 2 * 1024 * 1024

/** ms that a stream of an unknown peer waits for the roster to name the peer: ten times what a relay gathers changes for. And peers that may wait; more are a flood and hear no at once. */
export const NEWCOMER_WAIT = 500
export const MAX_NEWCOMERS = 64

/** Bytes of one frame of gossip: a few messages of 64 KiB. Guards the decoder; above it the stream ends. */
export const MAX_GOSSIP_FRAME = 512 * 1024

/** Bytes that wait for a neighbour that does not read; above it its stream ends. */
export const MAX_GOSSIP_BUFFER = 2 * 1024 * 1024

/** Subscriptions, messages or control parts in one frame, and message ids in one part. */
export const MAX_GOSSIP_PARTS = 128
export const MAX_GOSSIP_IDS = 1_024

/** Memory for the topics of one neighbour: gossipsub counts 1 KiB and its characters for each, so about 64. */
export const MAX_GOSSIP_TOPIC_BYTES = 72 * 1024

/** Topics a hub passes on between its peers. */
export const MAX_FORWARDED_TOPICS = 4_096

/** ms between two looks for topics nobody is in any more. */
export const GOSSIP_SWEEP = 60_000

/** ms an id is remembered: longer than the 5 minutes, to both sides, in which a sealed message counts as fresh. */
export const GOSSIP_SEEN = 11 * 60_000

/** Neighbours of a hub in one topic that get each message at once. */
export const GOSSIP_DEGREE = { D: 512, Dlo: 256, Dhi: 1_024, Dscore: 4, Dout: 2 } as const

/** ms until a stream of gossip that ended on a live link is opened again; doubles up to the cap. */
export const GOSSIP_RETRY = { first: 1_000, cap: 60_000 } as const

/** Addresses of one peer that are dialled: a laptop with wired network, wireless and VPN, each with both IP versions, has six. Guards others against a peer that names theirs. */
export const MAX_NEAR = 8

/** ms to ask a peer where it listens, over a path that works. */
export const NEAR_ASK = 5_000

/** ms until one of these addresses is given up: it is on the same network, or on none that leads there. */
export const NEAR_DIAL = 5_000

/** ms after which the next address is tried beside one that hangs (RFC 8305 section 5). */
export const NEAR_STEP = 250
