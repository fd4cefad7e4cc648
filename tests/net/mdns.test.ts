/** Two relays on one LAN, a namespace each: with --mdns they find each other over TCP, without it no multicast leaves. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createNetwork, type Network, type Space, whyNoNetwork } from '../support/netns.ts'
import { startCapture } from '../support/netns-capture.ts'
import { readMetrics, startRelayIn } from '../support/netns-programs.ts'
import type { RelayProcess } from '../support/relay-process.ts'
import { waitUntil } from '../support/wait.ts'

const [ANA, BEN] = ['10.78.0.1', '10.78.0.2']
const GROUP = '224.0.0.251'
const FIND_MS = 20_000

describe('two relays on a LAN', { skip: whyNoNetwork(), timeout: 120_000 }, () => {
  let network: Network
  let ana: Space
  let ben: Space
  before(async () => {
    network = await createNetwork()
    ana = await network.space('ana')
    ben = await network.space('ben')
    await network.cable(ana, 'eth0', ben, 'eth0')
    await ana.ip(`addr add ${ANA}/24 dev eth0`)
    await ben.ip(`addr add ${BEN}/24 dev eth0`)
  })
  after(() => network?.close())

  const links = async (space: Space, relay: RelayProcess) => (await readMetrics(space, relay.adminUrl as string)).get('dmesh_connections') ?? 0
  const both = async (args: readonly string[], body: (a: RelayProcess, b: RelayProcess) => Promise<void>) => {
    const relays = await Promise.all([
      startRelayIn(ana, `${ANA}:8421`, { args: ['--tcp', '4001', ...args] }),
      startRelayIn(ben, `${BEN}:8421`, { args: ['--tcp', '4001', ...args] }),
    ])
    try {
      await body(...relays)
    } finally {
      await Promise.all(relays.map((relay) => relay.stop()))
    }
  }

  test('find each other with --mdns', () =>
    both(['--mdns'], async (a, b) => {
      await waitUntil(async () => (await links(ana, a)) > 0 && (await links(ben, b)) > 0, { ms: FIND_MS, what: 'a link' })
    }))

  test('send no multicast without it', async () => {
    const captures = await Promise.all([startCapture(ana), startCapture(ben)])
    await both([], async (a, b) => {
      assert.deepEqual([await links(ana, a), await links(ben, b)], [0, 0])
    })
    const packets = (await Promise.all(captures.map((capture) => capture.stop()))).flat()
    assert.deepEqual(
      packets.filter(({ to }) => to === GROUP || to === 'ff02::fb'),
      [],
    )
  })
})
