/** Caps of what members tell each other: unit, what each guards, why this number. */

/** Bytes of one frame: a document and its list, as at a relay's desk. */
export const MAX_FRAME = 480 * 1024

/** Bytes of the first frame: eight certificates of 800 characters. */
export const MAX_FIRST = 8 * 1024

/** Characters: as in access/limits.ts, where they are made. */
export const MAX_DOCUMENT = 393_216
export const MAX_REMOVED_LIST = 65_536
export const MAX_CHAIN = 8
export const MAX_CERTIFICATE = 800
export const MAX_LEAVE = 600

/** ms that a whole meeting may take: two documents over a slow path. */
export const MEETING_TIMEOUT = 20_000

/** Meetings a peer may start in a minute, and at once: 32 meshes that changed at the same time. */
export const MEETINGS_PER_MINUTE = 64
export const MEETINGS_AT_ONCE = 8
