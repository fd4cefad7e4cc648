/** Caps of mDNS discovery: unit, what each guards, why this number. Everything here is asked and answered by whoever is on the same network, without proof. */

/** Bytes of one packet: what an Ethernet frame carries; RFC 6762 §17 advises no more. */
export const MAX_PACKET = 1_460

/** Bytes of one packet that is read: the most that RFC 6762 §17 allows. */
export const MAX_INCOMING = 9_000

/** Questions and records of one packet that are looked at; a peer sends five. */
export const MAX_RECORDS = 64

/** Pointers that one compressed name may follow; each must lead backwards. */
export const MAX_JUMPS = 16

/** Interfaces that are spoken on: a computer with more is a router, and is told where to look. */
export const MAX_INTERFACES = 8

/** Addresses told, and read, of one peer. */
export const MAX_ADDRESSES = 8

/** Seconds that others may keep an answer: the usual two minutes of host records (RFC 6762 §10). */
export const TTL = 120

/** ms between questions: doubling from the first to the last. A LAN changes when somebody comes, who asks and announces at once. */
export const QUESTION = { first: 1_000, cap: 60_000 } as const

/** ms in which an interface answers once (RFC 6762 §6): a flood of questions is no flood of answers. */
export const ANSWER_GAP = 1_000

/** Peers remembered as found; who was found longest ago is forgotten. A LAN of people has fewer. */
export const MAX_FOUND = 256

/** ms in which a peer that was found is not handed on again: it may be down, or refuse. */
export const AGAIN = 30_000

/** Peers handed on a minute, so that invented ones cost a bounded number of dials. */
export const FOUND_A_MINUTE = 60
