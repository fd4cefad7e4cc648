/** Where no direct path exists, everything still works over the relay, and the page says that it does and why. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { whyNoNetwork } from '../support/netns.ts'
import type { Nat } from '../support/netns-internet.ts'
import { lineOf, type Meeting, sayTo, sendFile, startMeeting } from '../support/netns-meeting.ts'
import { seesPeer } from '../support/people.ts'
import { waitUntil } from '../support/wait.ts'

const SIZE = 5_000_000
/** ms for an attempt to fail: the connector gives each fifteen seconds, and the second side starts a little later. */
const ATTEMPT_MS = 30_000

const CASES = [
  // Each side learns a public address, but the port is another one for everybody else.
  {
    nat: 'symmetric',
    what: 'symmetric NAT on both sides',
    candidates: /srflx.*srflx/,
    advice: /UDP works on both sides, .* \(symmetric NAT,.* No firewall rule helps\./,
  },
  {
    nat: 'no-udp',
    what: 'UDP blocked on both sides',
    candidates: /no public address learned here and there, UDP may be blocked|STUN/,
    advice: /UDP is blocked on both sides, .* Allow UDP on both/,
  },
] as const satisfies readonly { nat: Nat; what: string; candidates: RegExp; advice: RegExp }[]

for (const { nat, what, candidates, advice } of CASES) {
  describe(what, { skip: whyNoNetwork() }, () => {
    let meeting: Meeting

    before(async () => {
      meeting = await startMeeting({ nat: [nat, nat] })
    })
    after(() => meeting?.close())

    test('they see each other and talk, relayed', async () => {
      const { ana, ben } = meeting
      const line = await seesPeer(ana, ben, 20_000, ({ path, rtt }) => path === 'relayed' && rtt !== undefined)
      assert.equal(line.transport, 'websocket')
      assert.equal(line.relay, (await ana.state()).relays[0]?.id)
      await sayTo(ana, ben, 'by relay', 10_000)
    })

    test('the file arrives whole; its bytes went through the relay', async () => {
      const { ana, ben, relayedBytes } = meeting
      const took = await sendFile(ana, ben, SIZE, 40_000)
      process.stdout.write(`# ${(SIZE / 1000 / took).toFixed(1)} MB/s relayed\n`)
      assert.ok((await relayedBytes()) > SIZE)
    })

    test('the page says that it is relayed, what was tried and what can be done', async () => {
      const { ana, ben } = meeting
      const failed = await waitUntil(
        async () => (await lineOf(ana, ben)).attempts.find(({ outcome, what }) => outcome !== 'trying' && candidates.test(what)),
        { ms: ATTEMPT_MS, what: 'an attempt to end' },
      )
      assert.ok(['TIMEOUT', 'PEER_UNREACHABLE'].includes(failed.outcome), `${failed.what}: ${failed.outcome}`)
      assert.equal((await lineOf(ana, ben)).path, 'relayed')
      await ana.page.getByRole('link', { name: 'Why is Ben relayed?' }).first().click()
      const panel = ana.page.locator('.why-panel')
      await panel.getByRole('heading', { name: 'Why is Ben relayed?' }).waitFor()
      const text = (await panel.textContent()) ?? ''
      assert.match(text, /WebRTC, \d+ local \(.*\) and \d+ remote candidates.* — (no answer in time|no way through)/)
      assert.match(text, /Relayed by dmesh\.localhost, \d+\sms\. The relay sees sizes and times, never content\./)
      assert.match(text, advice)
      if (nat === 'symmetric') assert.doesNotMatch(text, /blocked|Allow UDP/)
    })
  })
}
