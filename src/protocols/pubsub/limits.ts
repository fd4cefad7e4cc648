/** Caps of pub/sub: unit, what each guards, why this number. */

/** Bytes of one message as it was published. Larger things are files. */
export const MAX_DATA = 64 * 1024

/** Bytes that header and seal may add. */
export const MAX_OVERHEAD = 1_024

/** Characters of a topic. */
export const MAX_TOPIC = 64

/** Topics this peer is in at once: what others take of one neighbour. */
export const MAX_TOPICS = 64

/** Listeners of all topics together. */
export const MAX_LISTENERS = 1_024

/** Messages of one author, and of all authors together, that are passed on in a minute. Guards our neighbours and a phone's battery: keys are free, so a flood of them meets the second. */
export const AUTHOR_PER_MINUTE = 600
export const ALL_PER_MINUTE = 12_000

/** ms that a sealed message may be old, or young by a wrong clock. Guards against one that is sent again after its id was forgotten. */
export const FRESH = 5 * 60_000

/** ms that the first publish waits for a neighbour to say that it is in the topic: a round trip over a relay, twice. */
export const FIRST_WAIT = 2_000

/** ms between two looks in that time. */
export const LOOK = 50
