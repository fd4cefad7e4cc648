/** What can be wrong with a network: the state that every faulty socket asks, and what each part of it does. */

export interface Weather {
  /** ms that every message takes, and up to so many more at random; order is kept, as TCP keeps it. */
  readonly delay: number
  readonly jitter: number
  /** Shares of messages, 0 … 1. On a stream of bytes each is a broken middlebox: the cipher notices and the connection ends. */
  readonly loss: number
  readonly duplicate: number
  readonly reorder: number
  /** Bytes wait and come later, as when TCP repeats itself until the network is back. */
  readonly stall: Direction
  /** Bytes vanish. A socket that lost some is dead for ever and nobody is told: a router forgot it. One that opens meanwhile never opens. */
  readonly hole: Direction
  /** Nobody listens there: new sockets and requests fail at once. */
  readonly refuse: boolean
}

export type Direction = 'no' | 'in' | 'out' | 'both'

export const CALM: Weather = { delay: 0, jitter: 0, loss: 0, duplicate: 0, reorder: 0, stall: 'no', hole: 'no', refuse: false }

export function goes(fault: Direction, way: 'in' | 'out'): boolean {
  return fault === way || fault === 'both'
}
