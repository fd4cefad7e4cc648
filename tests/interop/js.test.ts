/** js-libp2p from its published parts meets our relay and our peer: WebSocket, webrtc-direct v1 (it has no other), circuit-relay-v2. */
import { startJsPeer } from './js-peer.ts'
import { describeForeign } from './suite.ts'

describeForeign({ name: 'js-libp2p', versions: [1], start: startJsPeer })
