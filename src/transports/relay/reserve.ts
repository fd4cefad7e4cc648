/** Client: ask one relay for a reservation over an open connection (circuit-relay-v2 RESERVE), and read the addresses it gives. Must never trust the relay's answer to be well formed. */
import type { Connection } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { toMeshError } from '../../shared/errors.ts'
import { FOREIGN } from '../../wire/ids.ts'
import { AT_ONCE, closeQuietly } from './components.ts'
import { ANSWER_TIMEOUT, MAX_ADDRS } from './limits.ts'
import { createMessageStream } from './message-stream.ts'
import { errorOfStatus } from './status-error.ts'
import { decodeHop, encodeHop, HOP_TYPE, STATUS } from './wire.ts'

export interface Reservation {
  /** PeerID of the relay. */
  readonly relay: string
  /** libp2p's id of the connection it holds for; it ends with that connection. */
  readonly connection: string
  /** ms since 1970 by the relay's clock, at most a day ahead of ours. */
  readonly expires: number
  /** `…/p2p/RELAY/p2p-circuit`, the address we dialed first. */
  readonly addresses: readonly Multiaddr[]
}

const DAY = 86_400_000

/** RELAY_FULL, ACCESS_DENIED, BAD_FRAME, TIMEOUT, UNKNOWN_PROTOCOL (no hop there), STREAM_RESET, ABORTED. */
export async function reserve(connection: Connection, clock: Clock, parent: AbortSignal): Promise<Reservation> {
  return withDeadline(clock, ANSWER_TIMEOUT, 'reservation', parent, async (signal) => {
    const stream = await connection.newStream(FOREIGN.hop, { signal, ...AT_ONCE }).catch((error: unknown) => {
      throw toMeshError(error, (error as Error).name === 'UnsupportedProtocolError' ? 'UNKNOWN_PROTOCOL' : 'STREAM_RESET')
    })
    try {
      const messages = createMessageStream(stream)
      await messages.write(encodeHop({ type: HOP_TYPE.reserve }), signal)
      const { type, status, reservation } = decodeHop(await messages.read(signal))
      if (type !== HOP_TYPE.status || status !== STATUS.OK || !reservation) throw errorOfStatus('reservation', status)
      closeQuietly(stream, signal)
      const expires = Math.min(reservation.expire * 1000, clock.now() + DAY)
      return { relay: connection.remotePeer.toString(), connection: connection.id, expires, addresses: addressesOf(connection, reservation.addrs) }
    } catch (error) {
      const reason = toMeshError(error, 'STREAM_RESET')
      stream.abort(reason)
      throw reason
    }
  })
}

function addressesOf(connection: Connection, given: readonly Uint8Array[]): Multiaddr[] {
  const id = connection.remotePeer.toString()
  const known = new Map<string, Multiaddr>()
  for (const address of [connection.remoteAddr, ...given.map(parse)]) {
    if (!address || known.size >= MAX_ADDRS) continue
    const ids = address.getComponents().filter(({ name }) => name === 'p2p')
    if (address.toString().includes('/p2p-circuit') || ids.some(({ value }) => value !== id)) continue
    const circuit = (ids.length > 0 ? address : address.encapsulate(`/p2p/${id}`)).encapsulate('/p2p-circuit')
    known.set(circuit.toString(), circuit)
  }
  return [...known.values()]
}

function parse(bytes: Uint8Array): Multiaddr | undefined {
  try {
    return multiaddr(bytes)
  } catch {
    return undefined
  }
}
