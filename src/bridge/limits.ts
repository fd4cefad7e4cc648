/** Caps and waits of the bridge: unit, what each guards, why this number. */

/** Bytes a stream may have on its way over a port in one direction: a slow reader costs this much. As wide as a stream between peers starts. */
export const STREAM_WINDOW = 1024 * 1024

/** Bytes of one chunk on a port; larger ones are cut. Keeps the window's overshoot small. */
export const STREAM_CHUNK = 64 * 1024

/** Bytes read before credit is given back: eight times a window. */
export const CREDIT_STEP = 128 * 1024

/** Channels of one page: streams and the bridge's own. Above it a page is at fault. */
export const MAX_CHANNELS = 2_048

/** Protocols of peers remembered as agreed to, so that opening them waits for nobody: 128 peers with four each. Those above it are waited for. */
export const MAX_AGREED = 512

/** Messages kept for a channel that the other side opened and nobody took yet. */
export const MAX_EARLY = 64

/** Calls of one page that wait for an answer. */
export const MAX_CALLS = 1_024

/** ms for a call that says nothing else: the longest of ours is open() with 15 s. */
export const CALL_TIMEOUT = 20_000

/** ms for a call that moves a file's handle or waits for the disk. */
export const LONG_CALL_TIMEOUT = 60_000

/** ms for calls that read a file before they answer: 300 GB at 190 MB/s are 26 min. */
export const READ_CALL_TIMEOUT = 1_800_000

/** Events on their way to a page that has not acknowledged them; above it they wait in the worker. */
export const EVENTS_IN_FLIGHT = 64

/** Events that wait for one page; the oldest are dropped above it (a frozen tab). The snapshot still tells the whole truth. */
export const EVENTS_WAITING = 1_024

/** Pages one worker serves. */
export const MAX_CLIENTS = 64

/** Handlers one page may register. */
export const MAX_HANDLERS = 256

/** ms for the first answer of a worker, try by try: short first, because a worker that is just closing never answers; long then, because its script may still be loading on a slow phone. */
export const HELLO_TIMEOUTS = [1_500, 4_000, 10_000, 20_000] as const

/** ms for a worker until its mesh runs; another worker may be draining meanwhile. */
export const READY_TIMEOUT = 30_000

/** ms an old worker may take to close its mesh before it ends anyway. */
export const DRAIN_TIMEOUT = 5_000

/** ms calls wait for a new worker after the old one died, before they fail with WORKER_GONE. */
export const RECONNECT_TIMEOUT = 10_000

/** ms between two requests to a worker that still has the lock. */
export const WANT_INTERVAL = 300

/** Workers of another build that one page drains before it gives up. */
export const MAX_DRAINS = 4

/** ms between two knocks at the door of another tab's worker. */
export const KNOCK_INTERVAL = 250

/**
 * Without Web Locks: ms between questions to the holder, questions in a row without an answer after which it counts as dead, ms for others to object to a claim. Who leaves says
 * so and is not waited for; this is for who crashed. 1.6 s of silence is longer than a worker is ever busy in one task: two holders would be two peers with one key.
 */
export const LOCK_ASK_INTERVAL = 400
export const LOCK_ASKS = 4
export const LOCK_CLAIM = 250
