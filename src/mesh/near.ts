/** Direct paths of programs: asks a peer over its relayed link where it listens (libp2p identify), and dials that. For Node.js roots; a browser has WebRTC. Must never dial what the transports' own rule refuses. */
import { withDeadline } from '../shared/async.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { NearDialer } from './connector.ts'
import { dialError } from './find-relay.ts'
import { MAX_NEAR, NEAR_ASK, NEAR_DIAL, NEAR_STEP } from './limits.ts'
import type { Link } from './links.ts'
import { staggered } from './staggered.ts'

/** `accepts` says which multiaddr texts may be dialled. */
export function createNearDialer(accepts: (address: string) => boolean): NearDialer {
  return async (peer, { swarm, links, clock }, note, signal) => {
    const relayed = links.best(peer)
    if (!relayed) throw new MeshError('PEER_UNREACHABLE', 'nobody to ask for addresses')
    const { listenAddrs } = await withDeadline(clock, NEAR_ASK, 'the addresses of the peer', signal, (own) =>
      swarm.libp2p.services.identify.identify(relayed.connection, { signal: own }),
    )
    const addresses = [...new Set(listenAddrs.map((address) => address.toString()))].filter(accepts).slice(0, MAX_NEAR)
    // A browser, or one that does not listen: nothing was tried, so there is nothing to tell.
    if (addresses.length === 0) throw new MeshError('PEER_UNREACHABLE', 'the peer listens at no address that can be dialled')
    const tell = (outcome: string) =>
      note(peer, { transport: 'tcp', what: `TCP, ${addresses.length} address${addresses.length === 1 ? '' : 'es'}`, outcome, at: clock.now() })
    tell('trying')
    const drop = (late: Link) => late.connection.abort(new MeshError('ABORTED', 'another way was first'))
    const whole = { clock, signal, step: () => NEAR_STEP, most: addresses.length, onFailure: 'next', drop } as const
    try {
      const link = await staggered<Link>(whole, async (n, own) => {
        const address = `${addresses[n]}/p2p/${peer}`
        const connection = await withDeadline(clock, NEAR_DIAL, `dialling ${address}`, own, (dialling) => swarm.dial(address, dialling))
        const made = links.of(peer).find((one) => one.connection === connection)
        if (!made) throw new MeshError('PATH_LOST', 'the direct connection closed at once')
        return made
      })
      tell('ok')
      return link
    } catch (error) {
      const failure = dialError(error, peer)
      tell(failure.code === 'RELAY_UNREACHABLE' ? 'PEER_UNREACHABLE' : toMeshError(failure).code)
      throw failure
    }
  }
}
