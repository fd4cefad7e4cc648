/** Client: accept circuits that a relay brings us (circuit-relay-v2 STOP). Only relays we hold a reservation on may; who really dials is proven by the upgrade, not by the relay's word. */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import * as Digest from 'multiformats/hashes/digest'
import type { Clock } from '../../shared/clock.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { createCircuitConnection } from './circuit-connection.ts'
import { closeQuietly, isDirect, type RelayClientComponents } from './components.ts'
import { createMessageStream } from './message-stream.ts'
import { decodeStop, encodeStop, STATUS, STOP_TYPE } from './wire.ts'

export interface StopOptions {
  readonly components: RelayClientComponents
  readonly clock: Clock
  readonly log: Log
  /** True while we hold a reservation on this relay. */
  readonly isReserved: (relay: string) => boolean
  /** Fires when the transport stops. */
  readonly stopping: AbortSignal
}

/** Handler for the stop protocol; never throws. */
export function createStopHandler({
  components,
  clock,
  log,
  isReserved,
  stopping,
}: StopOptions): (stream: Stream, connection: Connection) => Promise<void> {
  const judge = async (connection: Connection, from: PeerId): Promise<number> => {
    if (!isDirect(connection) || !isReserved(connection.remotePeer.toString())) return STATUS.PERMISSION_DENIED
    const denied = await components.connectionGater.denyInboundRelayedConnection?.(connection.remotePeer, from)
    return denied === true ? STATUS.PERMISSION_DENIED : STATUS.OK
  }

  return async (stream, connection) => {
    const signal = components.upgrader.createInboundAbortSignal(stopping)
    const messages = createMessageStream(stream)
    const answer = (status: number) => messages.write(encodeStop({ type: STOP_TYPE.status, status }), signal)
    try {
      const request = decodeStop(await messages.read(signal))
      const from = request.type === STOP_TYPE.connect ? parsePeer(request.peer?.id) : undefined
      const status = from ? await judge(connection, from) : request.type === STOP_TYPE.connect ? STATUS.MALFORMED_MESSAGE : STATUS.UNEXPECTED_MESSAGE
      await answer(status)
      if (!from || status !== STATUS.OK) {
        closeQuietly(stream, signal)
        return
      }
      const remote = connection.remoteAddr.encapsulate(`/p2p-circuit/p2p/${from}`)
      const circuit = createCircuitConnection(messages.unwrap(), remote, request.limit, clock)
      await components.upgrader.upgradeInbound(circuit.connection, { signal, limits: circuit.limits })
    } catch (error) {
      if (codeOf(error) === 'BAD_FRAME') await answer(STATUS.MALFORMED_MESSAGE).catch(() => undefined)
      log('relay.stop.failed', { relay: connection.remotePeer.toString(), code: codeOf(error) }, 'debug')
      stream.abort(error instanceof Error ? error : new MeshError('STREAM_RESET', 'stop request failed'))
    } finally {
      signal.clear()
    }
  }
}

function parsePeer(id: Uint8Array | undefined): PeerId | undefined {
  try {
    return id && peerIdFromMultihash(Digest.decode(id))
  } catch {
    return undefined
  }
}
