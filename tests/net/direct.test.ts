/** Two people behind two home routers reach each other directly through our own STUN, the relay carries signalling only, and nobody but our own addresses is ever contacted: proved by the relay's counters and by packets. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { PeerInfo } from '../../src/core/mesh.ts'
import { whyNoNetwork } from '../support/netns.ts'
import { type Capture, type Packet, startCapture } from '../support/netns-capture.ts'
import { SERVER_V4 } from '../support/netns-internet.ts'
import { type Meeting, sayTo, sendFile, startMeeting } from '../support/netns-meeting.ts'
import { seesPeer } from '../support/people.ts'
import { waitUntil } from '../support/wait.ts'

const SIZE = 5_000_000
/** Bytes a relay may carry for two peers to become direct: handshakes, signalling, identify, presence. Measured 8 kB. */
const SIGNALLING = 100_000
const LARGE = 30_000_000
/** ms until a cut path is shown as relayed: 2 s in use and 3 s idle (src/transports/webrtc/limits.ts), and what two busy cores and the test's own questions add. */
const NOTICED_USED = 3_000
const NOTICED_IDLE = 3_500

describe('two homes with NAT between them and the relay', { skip: whyNoNetwork() }, () => {
  let meeting: Meeting
  let captures: Capture[] = []

  before(async () => {
    meeting = await startMeeting({
      nat: ['easy', 'easy'],
      async onNetwork(internet, [left, right]) {
        captures = await Promise.all([left.client, right.client, internet.server].map(startCapture))
      },
    })
  })
  after(() => meeting?.close())

  test('they become direct over WebRTC, with the addresses our STUN told', async () => {
    const { ana, ben, metric } = meeting
    const line = await seesPeer(ana, ben, 20_000, ({ path, rtt }) => path === 'direct' && rtt !== undefined)
    assert.equal(line.name, 'Ben')
    assert.equal(line.transport, 'webrtc')
    await seesPeer(ben, ana, 10_000, ({ path, transport }) => path === 'direct' && transport === 'webrtc')
    const worked = line.attempts.find(({ outcome }) => outcome === 'ok')
    assert.match(worked?.what ?? '', /srflx/)
    assert.ok((await metric('dmesh_stun_requests_total{outcome="answered"}')) >= 2)
  })

  test('a message and a file go from home to home; the relay carried signalling only', async () => {
    const { ana, ben, relayedBytes } = meeting
    await sayTo(ana, ben, 'from home to home', 10_000)
    const took = await sendFile(ben, ana, SIZE, 30_000)
    const relayed = await relayedBytes()
    process.stdout.write(`# ${(SIZE / 1000 / took).toFixed(1)} MB/s direct; the relay carried ${relayed} bytes\n`)
    assert.ok(relayed > 0, 'the first contact went through the relay')
    assert.ok(relayed < SIGNALLING, `${relayed} bytes went through the relay`)
  })

  test('no packet goes to anybody else, and no name is asked for', async () => {
    const { homes } = meeting
    const [left, right] = homes
    const recorded = await Promise.all(captures.map((capture) => capture.stop()))
    const own = new Set([SERVER_V4, left.address, left.outside, right.address, right.outside])
    for (const packets of recorded) {
      assert.ok(packets.length > SIZE / 1500, 'the file was seen')
      assert.deepEqual(
        packets.filter(({ to }) => !own.has(to) && !isNeighbourly(to)).map(({ line }) => line),
        [],
      )
      // mDNS hides a browser's own private address behind a random name that it tells its neighbours.
      const asked = packets.filter(({ question, toPort }) => question !== undefined || toPort === 53)
      assert.deepEqual(
        asked.filter((packet) => !isOwnMdns(packet)).map(({ line }) => line),
        [],
      )
    }
    const [atLeft, atRight] = recorded as [readonly Packet[], readonly Packet[]]
    const between = (packets: readonly Packet[], to: string) => packets.filter((packet) => packet.to === to && /UDP/.test(packet.line)).length
    assert.ok(between(atLeft, right.outside) > 100 && between(atRight, left.outside) > 100, 'the bytes went from home to home over UDP')
  })

  test('when UDP is cut under an idle path, both pages say so within 3.5 s, and the path is direct again once UDP is back', async () => {
    const { ana, ben, homes } = meeting
    await homes[0].setNat('no-udp')
    const start = performance.now()
    const said = Promise.all([[ana, ben] as const, [ben, ana] as const].map(([who, whom]) => seesPeer(who, whom, NOTICED_IDLE, relayed)))
    const [line] = await said
    process.stdout.write(`# ${since(start)} ms from the cut to "relayed" on both pages, idle\n`)
    assert.ok(
      line?.attempts.some(({ outcome }) => outcome === 'PATH_LOST'),
      'the loss is written down',
    )
    await backToDirect()
  })

  test('when UDP is cut under a direct path, a message in flight arrives by relay within 3 s', async () => {
    const { ana, ben, homes } = meeting
    await homes[0].setNat('no-udp')
    const start = performance.now()
    await sayTo(ana, ben, 'sent into the cut', NOTICED_USED)
    process.stdout.write(`# ${since(start)} ms from the cut to the message by relay\n`)
    await seesPeer(ana, ben, 1_000, relayed)
    await backToDirect()
  })

  test('when UDP is cut under a file, it goes on by relay and arrives whole', async () => {
    const { ana, ben, homes, relayedBytes } = meeting
    const before = await relayedBytes()
    let cut = 0
    const sending = sendFile(ana, ben, LARGE, 60_000)
    sending.catch(() => undefined)
    await waitUntil(async () => (await ben.state()).transfers.some(({ size, done }) => size === LARGE && done > LARGE / 10), {
      ms: 20_000,
      what: 'the file to run',
    })
    await homes[0].setNat('no-udp')
    cut = performance.now()
    await seesPeer(ben, ana, NOTICED_USED, relayed)
    process.stdout.write(`# ${since(cut)} ms from the cut to "relayed" under a file\n`)
    await sending
    assert.ok((await relayedBytes()) - before > LARGE / 4, 'the rest came by relay')
    await backToDirect()
  })

  async function backToDirect(): Promise<void> {
    const { ana, ben, homes } = meeting
    await homes[0].setNat('easy')
    await Promise.all([seesPeer(ana, ben, 40_000, direct), seesPeer(ben, ana, 40_000, direct)])
  }
})

const direct = ({ path, transport }: PeerInfo) => path === 'direct' && transport === 'webrtc'
const relayed = ({ path }: PeerInfo) => path === 'relayed'
const since = (start: number) => Math.round(performance.now() - start)

/** Multicast that no router forwards: neighbour discovery and group membership of the kernel, mDNS; '' = ARP. */
function isNeighbourly(to: string): boolean {
  return to === '' || to === '224.0.0.22' || to === '224.0.0.251' || /^ff02::/.test(to)
}

function isOwnMdns({ to, toPort, question }: Packet): boolean {
  return to === '224.0.0.251' && toPort === 5353 && /^[0-9a-f-]{36}\.local$/.test(question ?? '')
}
