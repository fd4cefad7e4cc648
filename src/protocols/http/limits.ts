/** Caps of HTTP on mesh streams: unit, what each guards, why this number. */

/** Bytes of the request or status line with all header fields. As common servers have it (nginx 4 × 8 KiB, Node.js 16 KiB) with room for cookies and tokens. */
export const MAX_HEAD = 64 * 1024

/** Header fields of one message, and of one trailer section. Node.js takes 2000; browsers send some 20. */
export const MAX_FIELDS = 200

/** Characters of a request target. What browsers and servers agree on is 8,000 (RFC 9110 §4.1). */
export const MAX_TARGET = 8_000

/** Bytes of a chunk-size line with its extensions, which are thrown away. */
export const MAX_CHUNK_LINE = 256

/** Hexadecimal digits of a chunk size: 2^48 bytes are more than anybody sends, and less than a number that is not exact. */
export const MAX_CHUNK_DIGITS = 12

/** Interim (1xx) answers before the real one. */
export const MAX_INTERIM = 16

/** Redirects that fetch follows (Fetch standard §4.4: 20). */
export const MAX_REDIRECTS = 20

/** Bytes that are written of a body at once: what one yamux window holds four times. */
export const BODY_PIECE = 256 * 1024

/** ms the server waits for the head of a request, first byte to last: a client that says its head byte by byte must not hold a stream for ever. */
export const HEAD_TIMEOUT = 15_000

/** ms a stream may be idle between two requests. */
export const IDLE_TIMEOUT = 60_000

/** ms until a handler must have answered with a head. Its body may take as long as it likes. */
export const HANDLER_TIMEOUT = 120_000

/** ms fetch waits for the head of the answer, where its signal does not fire first: as long as a handler may take, and the path. */
export const ANSWER_TIMEOUT = 150_000

/** Bytes of a request body that the handler left unread and that are read away to keep the stream. Above it the stream is reset. */
export const MAX_UNREAD = 256 * 1024

/** ms in which what a client still sends of a request that was answered is read away; then the stream ends, whatever it waits for. */
export const LINGER = 15_000

/** Requests on one stream, one after the other: a foreign client that reuses streams is not cut off, one that never ends is. */
export const MAX_REQUESTS = 1_000

/** Names that the page of a folder lists: more is no page that anybody reads. */
export const MAX_LISTED = 5_000

/** Names in a path: deeper than disks are in practice. */
export const MAX_PATH_NAMES = 64

/** Bytes of a file below which compressing it gains less than its own head. */
export const MIN_COMPRESS = 1_024
