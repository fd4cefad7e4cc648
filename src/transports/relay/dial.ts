/** Client: reach a peer through a relay (circuit-relay-v2 CONNECT) and hand the circuit to libp2p's upgrader, which proves both ends to each other. */
import type { Connection, DialTransportOptions, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { withDeadline } from '../../shared/async.ts'
import type { Clock } from '../../shared/clock.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { FOREIGN } from '../../wire/ids.ts'
import { createCircuitConnection } from './circuit-connection.ts'
import { AT_ONCE, newestDirect, type RelayClientComponents } from './components.ts'
import { ANSWER_TIMEOUT, MAX_HOP_STREAMS } from './limits.ts'
import { createMessageStream } from './message-stream.ts'
import { errorOfStatus } from './status-error.ts'
import { decodeHop, encodeHop, HOP_TYPE, STATUS } from './wire.ts'

/** RELAY_UNREACHABLE, PEER_UNREACHABLE, ACCESS_DENIED, LIMIT_REACHED, BAD_FRAME, TIMEOUT, ABORTED; whatever the upgrade throws. */
export async function dialCircuit(
  components: RelayClientComponents,
  clock: Clock,
  address: Multiaddr,
  options: DialTransportOptions,
): Promise<Connection> {
  const { relayAddress, relay, peer } = split(address)
  const over = await relayConnection(components, relay, relayAddress, options.signal)
  const stream = await over.newStream(FOREIGN.hop, { signal: options.signal, maxOutboundStreams: MAX_HOP_STREAMS, ...AT_ONCE })
  try {
    const messages = createMessageStream(stream)
    const answer = await withDeadline(clock, ANSWER_TIMEOUT, 'circuit', options.signal, async (signal) => {
      await messages.write(encodeHop({ type: HOP_TYPE.connect, peer: { id: peer.toMultihash().bytes, addrs: [] } }), signal)
      return decodeHop(await messages.read(signal))
    })
    if (answer.type !== HOP_TYPE.status || answer.status !== STATUS.OK) throw errorOfStatus('circuit', answer.status)
    const { connection, limits } = createCircuitConnection(messages.unwrap(), address, answer.limit, clock)
    return await components.upgrader.upgradeOutbound(connection, { ...options, limits })
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    stream.abort(reason)
    throw reason
  }
}

function split(address: Multiaddr): { relayAddress: Multiaddr; relay: PeerId; peer: PeerId } {
  const [before = '', after = ''] = address.toString().split('/p2p-circuit')
  const relayAddress = multiaddr(before)
  const relay = relayAddress.getComponents().findLast(({ name }) => name === 'p2p')?.value
  const peer = multiaddr(after)
    .getComponents()
    .findLast(({ name }) => name === 'p2p')?.value
  if (!relay || !peer) throw new MeshError('BAD_ARGUMENT', `circuit address without relay or peer: ${address}`)
  return { relayAddress, relay: peerIdFromString(relay), peer: peerIdFromString(peer) }
}

/** The newest open direct connection, or a new one. */
async function relayConnection(components: RelayClientComponents, relay: PeerId, address: Multiaddr, signal: AbortSignal): Promise<Connection> {
  const open = newestDirect(components, relay)
  if (open) return open
  const target = address.getComponents().length > 1 ? address : relay
  return components.connectionManager.openConnection(target, { signal }).catch((error: unknown) => {
    throw toMeshError(error, 'RELAY_UNREACHABLE')
  })
}
