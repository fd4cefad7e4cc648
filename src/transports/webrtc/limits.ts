/** Caps of the webrtc transport, its host in the page and its stand-in in the worker: unit, what each guards, why this number. */

/** Live RTCPeerConnections of one host. Chromium stops at 500 a renderer and frees closed ones only at the next garbage collection. */
export const MAX_CONNECTIONS = 128

/** Data channels of one connection; a flood of streams is cut here. */
export const MAX_CHANNELS = 1_024

/** Certificates a host keeps; webrtc-direct makes one for each dial, the oldest are forgotten. */
export const MAX_CERTIFICATES = 256

/** Bytes one channel may hold unsent before `send()` throws: Chromium's own limit is 16 MiB. */
export const MAX_QUEUED = 8 * 1024 * 1024

/** Bytes all channels of a host may hold unsent together. */
export const MAX_QUEUED_TOTAL = 64 * 1024 * 1024

/** Bytes a channel may hold that the worker has not read: a stuck worker costs this much, then the channel is closed. */
export const MAX_UNREAD = 16 * 1024 * 1024

/** Bytes sent between two reports of what has left: small enough that writers never wait for a report alone. */
export const REPORT_STEP = 64 * 1024

/** ms that a smaller report waits for company: nobody stands still for it, and each costs the worker a message. */
export const REPORT_DELAY = 20

/** Bytes read between two reports to the host. */
export const READ_STEP = 256 * 1024

/** Bytes of unsent data below which writers go on. Stock libp2p asks for 0, which lets the pipe run dry for one trip to the page. */
export const LOW_WATER = 512 * 1024

/** Bytes libp2p may have unsent on one stream: two times LOW_WATER, a tenth of a second at 10 MB/s. */
export const MAX_BUFFERED = 1024 * 1024

/** Operations waiting for an answer of the host. */
export const MAX_CALLS = 1_024

/** Stats entries that cross the port; a busy connection has about 30. */
export const MAX_STATS = 256

/** ms an answer of the host may take; gathering is not part of any. */
export const CALL_TIMEOUT = 10_000

/** Attempts remembered while they run. */
export const MAX_ATTEMPTS = 256

/**
 * Connections and attempts of one peer together, above which its calls are refused: a path, and those of a few reloads that ICE has not missed yet.
 * One peer must not take all of a host.
 */
export const MAX_PER_PEER = 8

/** Connections and attempts that others began, together. Below MAX_CONNECTIONS, so that our own calls find room however many keys call. */
export const MAX_INBOUND = 96

/** Bytes of one signalling frame: an SDP of a data channel has about 500, a candidate 150. */
export const MAX_SIGNAL_FRAME = 16 * 1024

/** Candidates taken from one peer; a host with many interfaces has about 20. */
export const MAX_CANDIDATES = 64

/** Bytes of one message on the channel that carries yamux: a block of 64 KiB behind its header. Larger ones are no faster in Chromium and delay small streams behind them. */
export const MESSAGE_SIZE = 64 * 1024 + 12

/** The same for a peer that does not say what it takes (RFC 8841 §6.1). */
export const SAFE_MESSAGE_SIZE = 64 * 1024

/** Bytes of a sent message from which its memory is given back at once; for a smaller one that costs more than it holds. */
export const DISCARD_FROM = 16 * 1024

/** Bytes the channel may hold before yamux waits, and where it goes on. */
export const CHANNEL_HIGH = 1024 * 1024
export const CHANNEL_LOW = 256 * 1024

/** ms for signalling, ICE and DTLS of an incoming attempt. */
export const INBOUND_TIMEOUT = 20_000

/**
 * The budget of noticing a dead path (alive.ts), in ms. A path in use that says nothing for ALIVE_BUSY is asked, an idle one after ALIVE_IDLE; the question is repeated each
 * ALIVE_REPEAT, so that single lost packets do not count, and ALIVE_DEADLINE without an answer is death: 2 s after the last byte in use, at most 3 s idle. ICE alone takes 5 to 6 s to
 * doubt and 15 s to give up (Chromium 156). The side that was called waits ALIVE_TURN longer, so that an idle path is asked by one side only.
 */
export const ALIVE_BUSY = 500
export const ALIVE_IDLE = 1_250
export const ALIVE_REPEAT = 250
export const ALIVE_DEADLINE = 1_250
export const ALIVE_TURN = 200

/** ms since the last byte during which a path counts as in use: longer than the pauses inside a transfer. */
export const ALIVE_USED = 3_000

/** ms of idle pause for each watched connection: at most four questions a second, however many peers. Above six peers an idle death is noticed later, by ICE at the latest. */
export const ALIVE_SHARE = 250

/** Round trips an answer may take when those are longer than ALIVE_DEADLINE: a full uplink holds packets for seconds. */
export const ALIVE_RTTS = 4

/** ms of echoless time after which even arriving packets do not count: the other side's page is stuck, or only one direction works. */
export const ALIVE_LIMIT = 10_000

/** ms a timer may come late before what was missed meanwhile is forgiven: we were suspended or busy. */
export const ALIVE_STALL = 500

/** Bytes of echoes that may wait: a peer that floods questions gets no more answers than the path carries. */
export const ALIVE_QUEUED = 256
