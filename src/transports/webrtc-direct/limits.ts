/** Caps of the webrtc-direct transport: each number with its unit, what it guards and why. */

/** Bytes of one data-channel message, length prefix included (libp2p webrtc spec: max-message-size). */
export const MAX_MESSAGE = 16 * 1024

/** Bytes of payload in one message: 16 KiB minus prefix (2), flag field (2) and message field header (3). */
export const MAX_PAYLOAD = MAX_MESSAGE - 7

/** Bytes a channel may hold unsent before its writer waits; above one bandwidth-delay product of 100 Mbit/s at 80 ms. */
export const HIGH_WATER = 1024 * 1024

/** Bytes below which the writer goes on; above zero so that the pipe never runs dry. */
export const LOW_WATER = 256 * 1024

/**
 * Bytes one stream may hold because its reader stands still, CHUNK_COST included; then it is reset with LIMIT_REACHED. A sender that is told nothing has up
 * to this much under way at 50 MB/s and 80 ms.
 */
export const MAX_UNREAD = 4 * 1024 * 1024

/** The same over all streams of a connection: what a peer that floods and is never read can make us hold. */
export const MAX_UNREAD_TOTAL = 6 * 1024 * 1024

/** Bytes that each chunk counts for beside its own: measured 220 of heap and 700 of resident memory a chunk of one byte on Node.js 24. */
export const CHUNK_COST = 768

/** Data channels of one connection at once, either side: a peer must not make us hold more. */
export const MAX_STREAMS = 1024

/** Data channels a peer may open before it proved who it is. */
export const MAX_EARLY_CHANNELS = 8

/** Bytes over all early channels together; they carry only protocol proposals. */
export const MAX_EARLY_BYTES = 32 * 1024

/** ms to wait for FIN_ACK before the channel is closed anyway. */
export const FIN_ACK_TIMEOUT = 10_000

/** ms that closing a connection waits for what its streams sent last. */
export const CLOSE_TIMEOUT = 2_000

/** ms a connection may stay 'disconnected' (ICE lost its pair) before it counts as gone. */
export const DISCONNECTED_GRACE = 5_000

/** ms for a whole dial, both versions together. */
export const DIAL_TIMEOUT = 15_000

/** ms without an answer to the first version's ICE checks before the other version is tried beside it; a listener that knows the version answers within one round trip. */
export const NEXT_VERSION_AFTER = 1_000

/** ms without any answer to ICE checks until one version is given up: nobody is there, or it speaks another version. Below the 5 s that libp2p gives a dial, so that the reason is told. */
export const ICE_TIMEOUT = 4_000

/** Listeners whose version we remember (least recently dialled goes first). */
export const MAX_REMEMBERED = 64

export interface ListenerLimits {
  /** Handshakes in progress at once: each holds a native peer connection (about 100 KiB) before anybody proved anything. Half of them for addresses that nothing proves. */
  readonly handshakes: number
  /** The same from one IPv4 /24 or IPv6 /64. */
  readonly handshakesPerPrefix: number
  /** Handshakes started a minute from one prefix. */
  readonly startsPerPrefix: number
  /** Handshakes started a minute in all, half of them for addresses that nothing proves: bounds how many packets spoofed addresses can make us send. */
  readonly starts: number
  /** ms until ICE must be up. */
  readonly ice: number
  /** The same for an address that nothing proves: two of our checks go there (at 0 and 500 ms, the next one would at 1.5 s), less than three times the bytes that its packet had. */
  readonly iceUnproven: number
  /** ms until noise must be done. */
  readonly handshake: number
}

export const LISTENER_LIMITS: ListenerLimits = {
  handshakes: 128,
  handshakesPerPrefix: 16,
  startsPerPrefix: 120,
  starts: 1200,
  ice: 5_000,
  iceUnproven: 1_300,
  handshake: 15_000,
}
