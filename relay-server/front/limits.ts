/** Caps of the HTTP front: unit, what each guards, why this number. */

/** Bytes of all request headers together; above it 431. Browsers send below 4 kB without cookies. */
export const MAX_HEADER_BYTES = 16 * 1024

/** Header lines of one request. */
export const MAX_HEADER_LINES = 64

/** Characters of a request target. */
export const MAX_URL = 2048

/** ms until the headers of a request must be there: cuts those who send a byte now and then. */
export const HEADERS_TIMEOUT = 10_000

/** ms for a whole request; nothing we serve takes a body. */
export const REQUEST_TIMEOUT = 15_000

/** ms an idle connection stays open for the next request. */
export const KEEP_ALIVE = 5_000

/** ms a client may stop reading an answer, or a TLS handshake may take. */
export const IDLE_TIMEOUT = 30_000

/** ms between two looks for overdue connections. */
export const CHECK_INTERVAL = 1_000

/** Sockets at once, HTTP and WebSocket together: below the usual 65 536 file descriptors with room to spare, above HTTP_SOCKETS and UPGRADES together. */
export const MAX_SOCKETS = 16_384

/**
 * Sockets that speak HTTP or nothing yet, in all and from one /24 or /64: a hundred browsers with six each. Beyond them the one that asked for nothing
 * longest is cut, so that silent ones keep nobody out. Sockets of trusted proxies are not counted: one proxy speaks for everybody.
 */
export const HTTP_SOCKETS = { all: 4096, perPrefix: 768 }

/**
 * WebSockets by /24 or /64: an office behind one address, not a flood. `starts` are new ones a minute in all: every peer of a full relay comes back
 * within a minute after a restart.
 */
export const UPGRADES = { startsPerPrefix: 1200, starts: 12_000, activePerPrefix: 1024, active: 12_000 }

/** Networks remembered that asked something, and ms for which: a page is open for an hour before it dials again without asking for dmesh.json. */
export const MAX_VISITORS = 16_384
export const VISIT_LASTS = 3_600_000

/** Files of the built page, and bytes of one: more is a wrong folder. */
export const MAX_FILES = 2_000
export const MAX_FILE_BYTES = 32 * 1024 * 1024

/** Bytes below which compressing gains nothing. */
export const MIN_COMPRESS = 1024

/** Script files outside /assets/ that the Content-Security-Policy names: there are three. All headers of the page must fit into 4 KiB, which is what proxies reserve by default. */
export const MAX_NAMED_SCRIPTS = 8

/** Proxies counted from the right in X-Forwarded-For. */
export const MAX_FORWARDED = 16

/** Seconds browsers keep dmesh.json: a restarted relay is found again soon. */
export const SITE_MAX_AGE = 10
