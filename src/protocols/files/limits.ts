/** Every number of the file protocol: unit, what it guards, why this value. Must hold no behaviour. */

/** Bytes of one file. 1 TiB: above every disk of a browser, and exact in JSON. */
export const MAX_FILE = 2 ** 40

/** Bytes of one block on the wire and of one read from the source: what a side holds per transfer is a few of these. */
export const BLOCK = 262_144

/** Blocks on their way to the store at once: a busy storage worker answers after some 20 ms, in which 1 MiB may arrive. */
export const MAX_WRITES = 4

/** Bytes of a frame below which copying it behind its length is cheaper than a second message. */
export const SMALL_FRAME = 16_384

/** Bytes of one JSON frame. An offer with a name of 255 bytes and a type of 127 needs under 1 KiB, escapes included 2 KiB. */
export const MAX_JSON = 4096

/** Bytes of a file name in UTF-8, the limit of common file systems. */
export const MAX_NAME = 255

/** Characters of a media type (RFC 6838 §4.2 allows 127 for each half; ours are shorter). */
export const MAX_TYPE = 127

/** ms for the first frame of a stream; it is sent together with the stream. */
export const OFFER_READ_MS = 15_000

/** ms a person may take to answer an offer. Ten minutes: long enough to come back to the screen, short enough to hold no stream for ever. */
export const ANSWER_MS = 600_000

/** ms between two `wait` frames of a receiver whose person has not answered: shows the sender that it lives. */
export const WAIT_EVERY_MS = 20_000

/** ms that a sender which is back waits for the first frame of a receiver that has accepted before, on whose side no person is asked: then it tries another stream. */
export const BACK_MS = 15_000

/** ms after which a receiver that cannot go on at once, since it reads what it has, says so. */
export const BACK_WAIT_MS = 2_000

/** ms without any frame after which a sender gives a waiting receiver up: three missed `wait` frames. */
export const SILENCE_MS = 65_000

/** ms without a byte moving before a transfer fails: longer than a change of path (relay first) takes. */
export const STALL_MS = 60_000

/** ms during which a transfer whose path was lost is held open for another one, and for which a finished one is remembered, for a sender that did not hear of it: a reload on a slow phone, a walk between two networks. After it the receiver closes its file and keeps the bytes. */
export const RESUME_MS = 45_000

/** ms without a path after which a transfer is shown as waiting: a change of path takes less. */
export const WAIT_SHOWN_MS = 3_000

/** ms after which a broken-off transfer in which nothing moved is given up and its bytes are freed: a week, in which everybody was at home once. Fits a timer. */
export const WAIT_MS = 604_800_000

/** ms between two tries to go on once RESUME_MS are over, unless the peer is seen before: what an away peer costs. */
export const SLOW_RETRY_MS = 30_000

/** ms between two looks whether a receiver that paused takes the rest now; it also says so by itself. */
export const HOLD_RETRY_MS = 60_000

/** ms between two looks whether the disk has space again for what is paused by it. */
export const SPACE_EVERY_MS = 5_000

/** ms between two writes of how far a transfer is: what a person sees after a restart; the bytes themselves say where it goes on. */
export const KEEP_MS = 1_000

/** Bytes between two digests that a sender keeps of what it sent, by which it knows the file again after a restart; never more often than KEEP_MS. */
export const CHECK_EVERY = 4_194_304

/** ms between tries to open a new stream; a path by relay is there at once, a reloaded page after some seconds. */
export const RESUME_RETRY = { first: 250, cap: 4_000 } as const

/** Streams in a row, after the first, over which a receiver gets less than a block before it closes its file. Guards against a peer that resets for ever. */
export const MAX_RESUMES = 64

/** ms between tries of a sender whose streams break before a block has moved. */
export const IDLE_RETRY = { first: 250, cap: 30_000 } as const

/** Goodbyes of cancelled transfers that wait for a path at once, RESUME_MS each: as many as could be under way. Above it the receiver finds out by itself, after RESUME_MS. */
export const MAX_GOODBYES = 96

/** Ended transfers remembered at once for senders that did not hear of it: what ends within RESUME_MS, some 100 bytes each. Above it a sender that comes back hears PATH_LOST. */
export const MAX_ENDED = 512

/** ms for the receiver to flush and compare, and for the sender to hear of it. A slow disk flushes 1 GiB of cache in about a minute. */
export const VERIFY_MS = 120_000

/** ms to tell the other side why it ends before the stream is simply reset. */
export const GOODBYE_MS = 2_000

/** Unanswered offers from one peer; more is a flood, not a person. */
export const MAX_WAITING_PER_PEER = 8

/** Unanswered offers from everybody: what a screen can show. */
export const MAX_WAITING = 64

/** Of these, offers of strangers: peers whose file I never took and whom I offered none. */
export const MAX_WAITING_STRANGERS = 48

/** Transfers under way in each direction, waiting ones included: each holds a stream and about 1 MiB. */
export const MAX_ACTIVE = 96

/** Transfers remembered after their end, except received files, whose bytes belong to the person. */
export const MAX_HISTORY = 200

/** Offers remembered that ended before anybody accepted them, so that a stranger cannot push everything else out of the history. */
export const MAX_UNACCEPTED = 20

/** Received files kept. Above it an offer is refused until the person removes some. */
export const MAX_RECEIVED = 2000

/** ms over which speed is measured. */
export const RATE_WINDOW_MS = 3_000

/** ms between two progress events of one transfer. */
export const PROGRESS_MS = 100

/** ms after the start until the protocol's code is fetched unasked: joining takes about one second on a slow line. */
export const LOAD_DELAY = 1_500
