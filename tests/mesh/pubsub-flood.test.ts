/** CVE-2026-46679 and its kin: a peer that is in any number of topics, or says so in one large frame, costs a hub a bounded number of them and nobody else anything. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createPubsub } from '../../src/protocols/pubsub/protocol.ts'
import { fromUtf8 } from '../../src/shared/bytes.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { waitUntil } from '../support/wait.ts'

const MS = 15_000
const FLOOD = 2_000 // topics

async function startStock() {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  return { node, pubsub: node.services.pubsub as GossipSub, stop: () => node.stop() }
}

it('2 000 topics of one peer, and more in one frame, leave a hub with fewer than 80, and others are served', { timeout: 60_000 }, async () => {
  const hub = await startTestMesh(() => [], { pubsub: createPubsub({ forward: true }) })
  const [flood, frame, watch] = [await startStock(), await startStock(), await startStock()]
  const peers = [flood, frame, watch].map(({ node }) => `peer:${node.peerId}`)
  await hub.mesh.policy.put({ id: 'all', who: peers, may: ['pubsub'], label: 'all three' })
  const topicsOfHub = () => [...seen].length
  const seen = new Set<string>()
  watch.pubsub.addEventListener('subscription-change', ({ detail }) => {
    for (const { topic, subscribe } of detail.subscriptions) if (subscribe && detail.peerId.toString() === hub.mesh.peer) seen.add(topic)
  })
  try {
    await watch.node.dial(multiaddr(hub.address))
    await flood.node.dial(multiaddr(hub.address))
    flood.pubsub.subscribe('first')
    await waitUntil(() => seen.has('first'), { ms: MS, what: 'the hub to pass on for it' })
    for (let i = 0; i < FLOOD; i++) flood.pubsub.subscribe(`flood ${i}`)
    // Its first frame names them all at once.
    for (let i = 0; i < FLOOD; i++) frame.pubsub.subscribe(`frame ${i}`)
    await frame.node.dial(multiaddr(hub.address))
    const heard: string[] = []
    await hub.mesh.subscribe('calm', ({ data }) => void heard.push(fromUtf8(data) ?? ''))
    await waitUntil(() => seen.has('lobby/calm'), { ms: MS, what: 'word of a calm topic behind the flood' })
    await watch.pubsub.publish('lobby/calm', Uint8Array.of(65))
    await waitUntil(() => heard.length > 0, { ms: MS, what: 'others to be served' })
    assert.ok(topicsOfHub() > 10 && topicsOfHub() < 80, `${topicsOfHub()} topics`)
    assert.ok(![...seen].some((topic) => topic.startsWith('frame')))
  } finally {
    await Promise.all([flood.stop(), frame.stop(), watch.stop(), hub.close()])
  }
})
