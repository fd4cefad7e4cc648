/** A relay on a wildcard address, as operators run one, reached from a home by each of its doors over IPv4 and IPv6: STUN, webrtc-direct, WebSocket; and two peers that came by different ones meet. Node.js peers. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { whyNoNetwork } from '../support/netns.ts'
import { createInternet, type Home, type Internet, SERVER_V4, SERVER_V6 } from '../support/netns-internet.ts'
import { askProgram, type Program, readMetrics, startProgram, startRelayIn } from '../support/netns-programs.ts'
import type { RelayProcess } from '../support/relay-process.ts'
import { waitUntil } from '../support/wait.ts'

const PORT = 8421
const STUN = PORT + 1
const ORIGIN_V4 = `http://${SERVER_V4}:${PORT}`
const ORIGIN_V6 = `http://[${SERVER_V6}]:${PORT}`

interface Ready {
  readonly peer: string
  readonly transport: string
  readonly rtt: number
}

const linesOf = (program: Program): Record<string, unknown>[] =>
  program
    .out()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
const readyOf = (program: Program) => linesOf(program)[0]?.ready as Ready

describe('the relay from a home with NAT', { skip: whyNoNetwork() }, () => {
  let internet: Internet
  let relay: RelayProcess
  let ana: Home
  let ben: Home

  before(async () => {
    internet = await createInternet()
    ana = await internet.home({ nat: 'easy', v6: true })
    ben = await internet.home({ nat: 'symmetric', v6: true })
    relay = await startRelayIn(internet.server, `[::]:${PORT}`, { args: ['--lobby'] })
  })
  after(async () => {
    await relay?.stop()
    await internet?.close()
  })

  const metric = async (name: string) => (await readMetrics(internet.server, relay.adminUrl as string)).get(name) ?? 0

  test('its STUN tells the address outside, v4 and v6', async () => {
    // Three times: a datagram may be lost, e.g. while neighbours of a new network still look for each other (RFC 8489 section 6.2.1).
    const ask = async (at: string) =>
      (await askProgram<(string | null)[]>(ana.client, 'netns-stun.ts', [at, at, at])).find((answer) => answer !== null)
    const [v4, v6] = [await ask(`${SERVER_V4}:${STUN}`), await ask(`[${SERVER_V6}]:${STUN}`)]
    assert.ok(v4?.startsWith(`${ana.outside}:`), String(v4))
    assert.ok(v6?.startsWith(`[${ana.address6}]:`), String(v6))
  })

  for (const [family, origin] of [
    ['v4', ORIGIN_V4],
    ['v6', ORIGIN_V6],
  ] as const) {
    test(`a peer joins by webrtc-direct alone over ${family}, behind symmetric NAT too`, async () => {
      const accepted = await metric('dmesh_webrtc_direct_total{outcome="accepted"}')
      const program = await startProgram(ben.client, 'netns-peer.ts', [origin, 'webrtc-direct', 'Ben'])
      const { transport, rtt } = readyOf(program)
      process.stdout.write(`# reserved over webrtc-direct ${family}, RTT ${rtt} ms\n`)
      assert.equal(transport, 'webrtc-direct')
      assert.equal(await metric('dmesh_webrtc_direct_total{outcome="accepted"}'), accepted + 1)
      program.stop()
    })
  }

  test('peers that came by WebSocket over v6 and by webrtc-direct over v4 talk to each other', async () => {
    const first = await startProgram(ana.client, 'netns-peer.ts', [ORIGIN_V6, 'websocket', 'Ana'])
    const second = await startProgram(ben.client, 'netns-peer.ts', [ORIGIN_V4, 'webrtc-direct', 'Ben'])
    const heard = (program: Program, peer: string, text: string) => linesOf(program).some((line) => line.peer === peer && line.text === text)
    await waitUntil(() => heard(first, readyOf(second).peer, 'hello from Ben'), { ms: 15_000, what: 'Ben to reach Ana' })
    await waitUntil(() => heard(second, readyOf(first).peer, 'hello from Ana'), { ms: 15_000, what: 'Ana to reach Ben' })
  })
})
