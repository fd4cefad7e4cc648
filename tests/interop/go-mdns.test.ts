/** A relay with --mdns and go-libp2p on one LAN, a namespace each: either finds and dials the other. Without the flag no multicast leaves and nobody is found. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createNetwork, type Network, type Space, whyNoNetwork } from '../support/netns.ts'
import { startCapture } from '../support/netns-capture.ts'
import { startRelayIn } from '../support/netns-programs.ts'
import type { RelayProcess } from '../support/relay-process.ts'
import { waitUntil } from '../support/wait.ts'
import type { ForeignPeer } from './foreign-peer.ts'
import { buildGoPeer, type GoPeerOptions, goMissing, startGoPeer } from './go-peer.ts'

const [OURS, THEIRS] = ['10.77.0.1', '10.77.0.2']
const GROUP = '224.0.0.251'
const FIND_MS = 20_000

describe('mDNS on a LAN', { skip: whyNoNetwork() || goMissing(), timeout: 600_000 }, () => {
  let network: Network
  let ours: Space
  let theirs: Space
  before(async () => {
    await buildGoPeer()
    network = await createNetwork()
    ours = await network.space('ours')
    theirs = await network.space('theirs')
    await network.cable(ours, 'eth0', theirs, 'eth0')
    await ours.ip(`addr add ${OURS}/24 dev eth0`)
    await theirs.ip(`addr add ${THEIRS}/24 dev eth0`)
  })
  after(() => network?.close())

  const relayWith = (...args: string[]) => startRelayIn(ours, `${OURS}:8421`, { args: ['--tcp', '4001', ...args] })
  const goWith = (mdns: GoPeerOptions['mdns']) => startGoPeer({ listen: [`/ip4/${THEIRS}/tcp/4001`], mdns, wrap: theirs.wrap })

  const peerOf = async (relay: RelayProcess): Promise<string> => {
    const script = `fetch('http://${OURS}:${relay.port}/.well-known/dmesh.json').then(async (it) => process.stdout.write((await it.json()).peer))`
    return ours.exec(process.execPath, '-e', script)
  }

  const meeting = async (
    mdns: 'wait' | 'dial',
    args: readonly string[],
    body: (go: ForeignPeer, peer: string, relay: RelayProcess) => Promise<void>,
  ) => {
    const relay = await relayWith(...args)
    const go = await goWith(mdns)
    try {
      await body(go, await peerOf(relay), relay)
    } finally {
      await go.close()
      await relay.stop()
    }
  }

  test('the relay is found and dialled by go-libp2p', () =>
    meeting('dial', ['--mdns'], async (go, peer) => {
      await waitUntil(async () => (await go.connections(peer)).length > 0, { ms: FIND_MS, what: 'a connection' })
      assert.ok((await go.ping(peer)) >= 0)
    }))

  test('the relay finds and dials go-libp2p, which only waits', () =>
    meeting('wait', ['--mdns'], async (go, peer) => {
      await waitUntil(async () => (await go.connections(peer)).some(({ inbound }) => inbound), { ms: FIND_MS, what: 'to be dialled' })
      await go.echo(peer, 100_000)
    }))

  test('without the flag no multicast leaves, and nobody is found although go-libp2p asks', async () => {
    const capture = await startCapture(ours)
    await meeting('dial', [], async (go, peer) => {
      // As long as finding took, and until it has asked more than once.
      const listening = performance.now()
      await waitUntil(() => performance.now() - listening > 6_000, { ms: FIND_MS, what: 'time to be found' })
      assert.deepEqual(await go.connections(peer), [])
    })
    const packets = await capture.stop()
    assert.ok(
      packets.some(({ from, to }) => from === THEIRS && to === GROUP),
      'go-libp2p has asked',
    )
    assert.deepEqual(
      // Not what the kernel of the relay before still says to routers as it leaves the group.
      packets.filter(({ from, to }) => from === OURS && (to === GROUP || to === 'ff02::fb')),
      [],
    )
  })
})
