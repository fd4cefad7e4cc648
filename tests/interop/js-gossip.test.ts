/** Stock gossipsub of js-libp2p, with none of our parts, takes part in the topics of our lobby: on a link of its own to our peer, and through our relay. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { fromUtf8, toUtf8 } from '../../src/shared/bytes.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const MS = 20_000
const TOPIC = 'interop'

/** What any application on that library would be. */
async function startStock() {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  const pubsub = node.services.pubsub as GossipSub
  const heard: string[] = []
  pubsub.addEventListener('message', ({ detail }) => {
    if (detail.type === 'signed' && detail.topic === `lobby/${TOPIC}`) heard.push(`${detail.from} ${fromUtf8(detail.data)}`)
  })
  pubsub.subscribe(`lobby/${TOPIC}`)
  return { node, heard, say: async (text: string) => void (await pubsub.publish(`lobby/${TOPIC}`, toUtf8(text))) }
}

/** Sends until it is heard: nobody can know when the way is there. */
async function reaches(heard: readonly string[], line: string, send: () => Promise<void>): Promise<void> {
  let sent = 0
  await waitUntil(
    async () => {
      if (heard.includes(line)) return true
      if (performance.now() - sent > 500) {
        sent = performance.now()
        await send()
      }
      return false
    },
    { ms: MS, what: line },
  )
  assert.ok(heard.every((one) => one === line))
}

describe('stock gossipsub of js-libp2p', { timeout: 120_000 }, () => {
  it('speaks with our peer on one link, both ways', async () => {
    const ours = await startTestMesh(() => [])
    const stock = await startStock()
    try {
      await ours.mesh.policy.put({ id: 'stock', who: [`peer:${stock.node.peerId}`], may: ['pubsub'], label: 'the stock peer' })
      const heard: string[] = []
      await ours.mesh.subscribe(TOPIC, ({ peer, data }) => void heard.push(`${peer} ${fromUtf8(data)}`))
      await stock.node.dial(multiaddr(ours.address))
      await reaches(heard, `${stock.node.peerId} from js`, () => stock.say('from js'))
      await reaches(stock.heard, `${ours.mesh.peer} from dmesh`, () => ours.mesh.publish(TOPIC, 'from dmesh'))
    } finally {
      await stock.node.stop()
      await ours.close()
    }
  })

  it('speaks with our peer through our relay, both ways, in the lobby', async () => {
    const relay = await startTestRelay({ args: ['--lobby'] })
    const ours = await startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name: 'ours' })
    const stock = await startStock()
    try {
      const heard: string[] = []
      await ours.mesh.subscribe(TOPIC, ({ peer, data }) => void heard.push(`${peer} ${fromUtf8(data)}`))
      await stock.node.dial(multiaddr(relay.addresses.find((one) => one.includes('/ws')) as string))
      await reaches(heard, `${stock.node.peerId} from js`, () => stock.say('from js'))
      await reaches(stock.heard, `${ours.mesh.peer} from dmesh`, () => ours.mesh.publish(TOPIC, 'from dmesh'))
      assert.equal(stock.node.getConnections().length, 1, 'to the relay alone')
    } finally {
      await stock.node.stop()
      await ours.close()
      await relay.end()
    }
  })
})
