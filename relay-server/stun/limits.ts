/** Caps of the STUN responder: each number with its unit, what it guards and why. */

/** Bytes of a request; RFC 8489 §6.1 keeps them below the IPv4 minimum MTU. Longer ones are dropped unread. */
export const MAX_REQUEST = 548

/** A response is at most this many times the request, so that spoofed addresses gain less than with any QUIC server (RFC 9000 §8). The worst case is an empty request over IPv6: 52 / 20. */
export const MAX_AMPLIFICATION = 3

/** Unknown attributes named in a 420 answer; more would make it longer than the request. */
export const MAX_UNKNOWN = 4

/** Answers a minute to one IPv4 /24 or IPv6 /64: an office of 100 people that all open the page. */
export const PER_PREFIX = 1_200

/** Answers a minute in all: about 1 000 a second, 50 KB/s. */
export const TOTAL = 60_000
