/** go-libp2p as published meets our relay and our peer: WebSocket, webrtc-direct in both versions, circuit-relay-v2. */
import { before, describe } from 'node:test'
import { buildGoPeer, goMissing, startGoPeer } from './go-peer.ts'
import { describeForeign } from './suite.ts'

describe('a peer of another language', { skip: goMissing(), timeout: 600_000 }, () => {
  before(buildGoPeer)
  describeForeign({ name: 'go-libp2p', versions: [1, 2], start: startGoPeer })
})
