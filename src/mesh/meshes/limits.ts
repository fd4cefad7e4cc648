/** Numbers of private meshes on a peer: unit, what each guards, why this value. */

/** Private meshes of one peer. Each is a stream and a roster on each of its relays. */
export const MAX_MY_MESHES = 32

/** Read keys kept of one mesh: names of members that were away for as many removals stay readable, and invites of before. */
export const MAX_KEYS_KEPT = 8

/** Changes that wait for a relay. */
export const MAX_EDITS = 256

/** Tries to put a change on top of what other owners changed meanwhile. */
export const MAX_PUT_TRIES = 8

/** ms until a claim must be counted. */
export const CLAIM_TIMEOUT = 20_000

/** ms between tries to open a desk or to claim again: first and longest. */
export const DESK_RETRY = { first: 300, cap: 15_000 } as const

/** ms from a change, or from somebody's coming, to meeting members: several come at once, and a relay is faster where it is honest. */
export const MEET_AFTER = 500

/** ms until a meeting that failed is tried again. */
export const MEET_AGAIN = 30_000

/** Meetings at once: each may carry two documents. */
export const MAX_MEETINGS = 4

/** Members that a device of no owner meets for each change, and owners that hear of a leave directly: one that is honest is enough. */
export const MEET_OTHERS = 3

/** ms between tries to tell a relay that I left, and how long: as long as a message waits. */
export const LEAVE_RETRY = { first: 1_000, cap: 60_000 } as const
export const LEAVE_TIME = 30 * 86_400_000

/** ms that asking relays for the meshes of recovery words may take. */
export const RESTORE_TIMEOUT = 30_000

/** ms a short code lives, and the invite that a right guess makes. */
export const CODE_TIME = 600_000
export const CODE_INVITE_TIME = 3_600_000

/** Operations on one mesh that wait for each other. */
export const MAX_WAITING = 512

/** Documents of one mesh that came while a change of mine ran, kept to build on: one of each relay of a mesh. */
export const MAX_NEWEST = 8
