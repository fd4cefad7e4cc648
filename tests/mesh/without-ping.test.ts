/** A relay that does not speak /ipfs/ping, as js-libp2p is built by its documentation: not measured, and not taken for dead. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { codeOf } from '../../src/shared/errors.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'
import { startStockRelay } from './relay-nodes.ts'

it('keeps a place on a relay that answers each ping with "not spoken here"', async () => {
  const { node, address } = await startStockRelay()
  const relay = node.peerId.toString()
  const events: string[] = []
  const source = { name: 'stock', resolve: async () => ({ peer: relay, name: 'stock', addresses: [address.toString()] }) }
  const peer = await startTestPeer({ origin: 'http://127.0.0.1:1', name: 'ana', log: (event) => events.push(event), parts: { relays: [source] } })
  try {
    const refused = () => events.includes('mesh.rtt.missed')
    await waitUntil(() => peer.mesh.state.status === 'relayed' && refused(), { ms: 10_000, what: 'a place, and the first ping refused' })
    // Round trips on the same connection: more than the pings that an answer of silence would take to end it.
    for (let i = 0; i < 8; i++) await assert.rejects(peer.mesh.open(relay, '/x/nothing/1.0.0'), (error) => codeOf(error) === 'UNKNOWN_PROTOCOL')
    assert.ok(!events.includes('relay.lost'))
  } finally {
    await peer.close()
    await node.stop()
  }
})
