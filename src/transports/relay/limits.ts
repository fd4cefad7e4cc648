/** Caps of the relay transport: what the hop server grants when nobody decided otherwise, and what either side waits for. `QUOTAS` is published in dmesh.json. */

/** Bytes of one hop or stop message, as in the spec's other implementations. */
export const MAX_MESSAGE = 4096

/** Addresses in one reservation: keeps the answer below MAX_MESSAGE. */
export const MAX_ADDRS = 16

/** ms for one request and its answer (reserve, connect, stop) before the stream is given up. */
export const ANSWER_TIMEOUT = 10_000

/** ms that the destination may take to accept a circuit: less than ANSWER_TIMEOUT, so that the dialer hears CONNECTION_FAILED. */
export const STOP_TIMEOUT = 7_000

/** ms without any progress towards a peer that does not read before its circuit is cut: longer than a phone's short freeze. */
export const STALL_TIMEOUT = 60_000

/** ms that running circuits get to end by themselves when the relay stops. */
export const DRAIN_TIME = 3_000

/**
 * Bytes of yamux receive window a stream on a relay (pass as yamux `streamOptions.maxStreamWindowSize`). One direction of a circuit holds at most two
 * windows (one read, one written): 4 MiB for a reader that stands still. The default of 16 MiB would overrun libp2p's 4 MiB read buffer and reset the circuit.
 */
export const RELAY_WINDOW = 2 * 1024 * 1024

/** Bytes still unsent below which a waiting direction of a circuit reads on. */
export const LOW_WATER = 256 * 1024

/** Hop streams one connection may hold open (each circuit is one). */
export const MAX_HOP_STREAMS = 256

/** What the relay grants. Each number can be changed by the operator. */
export interface HopQuotas {
  /** Seconds a reservation lives; renewed by the client. */
  readonly reservationTtl: number
  /** Reservations in all. One costs a map entry and its connection. */
  readonly reservations: number
  /** Reservations from one IP prefix (/24, /64): a whole office, not a whole botnet. */
  readonly reservationsPerPrefix: number
  /** Reserve requests a minute from one peer. */
  readonly reservationRate: number
  /** Circuits in all: two streams each. */
  readonly circuits: number
  /** Circuits that start or end at one peer. */
  readonly circuitsPerPeer: number
  /** Circuits from one IP prefix. */
  readonly circuitsPerPrefix: number
  /** Connect requests a minute from one peer. */
  readonly circuitRate: number
  /** Connect requests a minute from one IP prefix. */
  readonly circuitRatePerPrefix: number
  /** Bytes a day (UTC) from one IP prefix through circuits whose row limits bytes or time, as the lobby's does. */
  readonly limitedBytesPerDay: number
}

const GIB = 1024 ** 3

export const QUOTAS: HopQuotas = {
  reservationTtl: 3600, // the spec's recommendation
  reservations: 4096, // ~40 kB a connection: fits 256 MB
  reservationsPerPrefix: 256,
  reservationRate: 30, // a client that loses its relay each 2 s still gets in
  circuits: 2048, // worst case 8 MiB each only when every reader stands still
  circuitsPerPeer: 64,
  circuitsPerPrefix: 512,
  circuitRate: 120, // a page that opens to 100 peers at once
  circuitRatePerPrefix: 1200,
  limitedBytesPerDay: 16 * GIB, // eight lobby circuits of 2 GiB
}

/** IP prefixes and peers remembered for rates and daily bytes; above it the oldest are forgotten. */
export const MAX_TRACKED = 65_536

/** Circuits from one peer to one other: a path, its successor, and one just going. Keeps a peer's places from being taken by one caller. */
export const MAX_PAIR_CIRCUITS = 4

/** Share of a peer's circuits that callers of one IP prefix may hold: keys are free, prefixes less so, and the others must still get through. */
export const PREFIX_SHARE = 0.5

/** Relays one client keeps a reservation on. */
export const MAX_RELAYS = 16
