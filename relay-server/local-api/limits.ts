/** Caps of the local API: unit, what each guards, why this number. */
import { ANSWER_TIMEOUT } from '../../src/protocols/http/limits.ts'

/** Bytes of a request body. The longest carries a message of 256 KiB, whose escapes in JSON may take six bytes for one. */
export const MAX_REQUEST = 2 * 1024 * 1024

/** Bytes of an answer that the client reads: `peers` with 10 000 entries is below it. */
export const MAX_ANSWER = 8 * 1024 * 1024

/** Bytes of one line of a stream: a snapshot with 500 messages of 8 KiB is below it. */
export const MAX_LINE = 16 * 1024 * 1024

/** Connections at once; commands of one person. */
export const MAX_CONNECTIONS = 32

/** ms until a request must be complete. */
export const REQUEST_TIMEOUT = 5_000

/** ms that one call may take, unless LONG_CALL. */
export const CALL_TIMEOUT = 15_000

/** ms for what waits for a relay or for an owner's device: joining, inviting, offering a file. */
export const LONG_CALL = 45_000

/** ms for what reads a file before it answers: 300 GB at 190 MB/s are 26 min. */
export const READ_CALL = 1_800_000

/** ms until a fetch must have begun to answer: what the peer's handler may take, and the way there. */
export const FETCH_CALL = ANSWER_TIMEOUT + 5_000

/** Bytes of an answer's head: that of a fetched one, 64 KiB, as JSON in base64url. */
export const MAX_FETCHED = 256 * 1024

/** ms that the client waits for an answer beyond what the call may take. */
export const ANSWER_GRACE = 5_000

/** ms between signs of life on a stream of events, and how long the other end waits for one: three of them. */
export const ALIVE_EVERY = 10_000
export const ALIVE_TIMEOUT = 30_000

/** ms between two snapshots on a stream: a transfer changes it with each frame, and one with 500 messages is half a megabyte of text. */
export const STATE_EVERY = 100

/** Events that wait for a reader who does not read; of snapshots only the newest waits. A reader that is further behind is cut off and asks again. */
export const MAX_EVENTS_WAITING = 4_096

/** ms without a byte taken after which a reader of file content is cut off: a slow disk flushes within it. */
export const CONTENT_STALL = 120_000

/** Bytes of a socket's path, sun_path of Linux with its final zero (unix(7)). */
export const MAX_SOCKET_PATH = 107

/** Random bytes of the token. */
export const TOKEN_BYTES = 32

/** Characters of a link or an origin; an invite has about 1,000. */
export const MAX_LINK = 8_192

/** Characters of a path, PATH_MAX of Linux. */
export const MAX_PATH = 4_096

/** Characters of a name; what is behind each call has a closer limit. */
export const MAX_NAME = 255

/** Characters of a topic. */
export const MAX_TOPIC = 128

/** Petnames told at once. */
export const MAX_PETNAMES = 1_000
