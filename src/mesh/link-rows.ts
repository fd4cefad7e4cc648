/** What each link needs before any user protocol runs: capabilities of libp2p's own handlers, and the rows that allow them. A handler that is in no table is denied. */
import type { PolicyRow } from '../core/access.ts'
import { FOREIGN, PROTOCOL } from '../wire/ids.ts'
import { MAX_STREAMS_PER_PROTOCOL } from './limits.ts'

/** Capability of each handler that libp2p brings along. A protocol that is in neither table is denied. */
export const FOREIGN_CAPABILITY: Readonly<Record<string, string>> = {
  [FOREIGN.identify]: 'link.identify', // who are you, which protocols
  [FOREIGN.identifyPush]: 'link.identify',
  [FOREIGN.ping]: 'link.ping',
  [FOREIGN.stop]: 'link.circuit', // a relay brings us a circuit
  [FOREIGN.hop]: 'link.hop', // the hop server asks its own finer questions
  [FOREIGN.webrtcSignalling]: 'link.signal',
  [FOREIGN.gossip12]: 'pubsub',
  [FOREIGN.gossip11]: 'pubsub',
  [FOREIGN.gossip10]: 'pubsub',
  [PROTOCOL.webrtc]: 'link.signal',
  [PROTOCOL.why]: 'link.why',
}

/** The rows for what every link needs; without them two peers cannot even say who they are. */
export function linkRows(): readonly PolicyRow[] {
  const may = [...new Set(Object.values(FOREIGN_CAPABILITY))].filter((one) => one.startsWith('link.'))
  return [
    {
      id: 'link',
      who: ['anyone'],
      may,
      limits: { rate: MAX_STREAMS_PER_PROTOCOL },
      label: 'Anyone: say who they are, measure the path, set up a direct one',
    },
    { id: 'link-echo', who: ['own', 'member', 'lobby'], may: ['link.echo'], label: 'People in my meshes: test the path' },
  ]
}
