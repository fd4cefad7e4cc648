/** Which pairs of networks become direct and which stay relayed, with the advice that fits: mixed kinds of NAT, and IPv6 alone. Real browsers behind real nft rules. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { whyNoNetwork } from '../support/netns.ts'
import type { Nat } from '../support/netns-internet.ts'
import { lineOf, type Meeting, sayTo, startMeeting } from '../support/netns-meeting.ts'
import { seesPeer } from '../support/people.ts'
import { waitUntil } from '../support/wait.ts'

/** ms for an attempt to fail: the connector gives each fifteen seconds, and the second side starts a little later. */
const ATTEMPT_MS = 30_000

interface Pair {
  readonly nat: readonly [Nat, Nat]
  readonly v6Only?: boolean
  readonly path: 'direct' | 'relayed'
}

const PAIRS: readonly Pair[] = [
  // Symmetric NAT shows another port to each partner: only who takes packets from any port hears of it.
  { nat: ['none', 'symmetric'], path: 'direct' },
  { nat: ['open', 'symmetric'], path: 'direct' },
  { nat: ['easy', 'symmetric'], path: 'relayed' },
  // No NAT, but a firewall on each side that lets in answers only.
  { nat: ['easy', 'easy'], v6Only: true, path: 'direct' },
]

describe('pairs of networks', { skip: whyNoNetwork() }, () => {
  for (const { nat, v6Only, path } of PAIRS) {
    test(`${v6Only ? 'IPv6 alone' : nat.join(' and ')}: ${path}`, async () => {
      const meeting = await startMeeting({ nat, v6Only })
      try {
        await check(meeting, path)
      } finally {
        await meeting.close()
      }
    })
  }
})

async function check({ ana, ben }: Meeting, path: Pair['path']): Promise<void> {
  const seen = (line: { path: string; rtt?: number }) => line.path === path && line.rtt !== undefined
  await Promise.all([seesPeer(ana, ben, 20_000, seen), seesPeer(ben, ana, 20_000, seen)])
  await sayTo(ana, ben, 'hello', 10_000)
  if (path === 'direct') return
  const failed = await waitUntil(async () => (await lineOf(ana, ben)).attempts.find(({ obstacle }) => obstacle), {
    ms: ATTEMPT_MS,
    what: 'an attempt to end',
  })
  assert.equal(failed.obstacle, 'symmetric-nat')
  assert.equal((await lineOf(ana, ben)).path, 'relayed')
}
