/** Caps of the tcp transport. */

/** Sockets that have not proved a key yet, in all and from one /24 or /64: as at the WebSocket, for the same reason. Beyond them the one that waits longest is cut. */
export const PENDING = { all: 2048, perPrefix: 128 } as const

/**
 * Sockets by /24 or /64: no HTTP front stands before this port to limit them. Half of what the front takes as WebSockets, so that neither door can use up the
 * descriptors that both share; `starts` are new ones a minute.
 */
export const SOCKETS = { startsPerPrefix: 600, starts: 6_000, activePerPrefix: 512, active: 4_096 } as const

/** Sockets that the kernel may hold for us before they are accepted. */
export const BACKLOG = 511

/** ms without a byte after which a socket is closed. A link that lives is asked every few seconds (mesh/limits.ts). */
export const INACTIVITY = 120_000
