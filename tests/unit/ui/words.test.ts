/** Numbers, times, routes, names and reasons as the page says them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerInfo } from '../../../src/core/mesh.ts'
import type { PathObstacle } from '../../../src/core/path.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { suggestName } from '../../../src/ui/device-name.ts'
import { mapPicture } from '../../../src/ui/map-layout.ts'
import { insecureProblem, problemOf } from '../../../src/ui/problem.ts'
import { parseRoute, routeHref } from '../../../src/ui/routes.ts'
import { whyOf } from '../../../src/ui/why.ts'
import { bytesText, durationText, leftText, percent, rateText, rttText, sinceText } from '../../../src/ui/words.ts'
import { fullState, PI } from '../../browser/pages/fake-state.ts'

const spaced = (text: string) => text.replaceAll('\u00a0', ' ')

describe('words', () => {
  it('says sizes and speeds with at most three digits', () => {
    const cases: readonly (readonly [number, string])[] = [
      [0, '0 B'],
      [999, '999 B'],
      [1000, '1 kB'],
      [1500, '1.5 kB'],
      [9960, '10 kB'],
      [999_499, '999 kB'],
      [999_600, '1 MB'],
      [2_147_483_648, '2.1 GB'],
      [-5, '0 B'],
    ]
    for (const [bytes, text] of cases) assert.equal(spaced(bytesText(bytes)), text)
    assert.equal(spaced(rateText(31_000_000)), '31 MB/s')
  })

  it('says times', () => {
    assert.deepEqual(
      [0, 8.2, 59.4, 90, 3900, 7200, 200_000].map((one) => spaced(durationText(one))),
      ['1 s', '8 s', '59 s', '2 min', '1 h 5 min', '2 h', '2 days'],
    )
    assert.equal(leftText(0.3), 'almost done')
    assert.equal(spaced(rttText(0.4)), '< 1 ms')
    const now = new Date(2026, 10, 22, 15, 0).getTime()
    assert.equal(sinceText(now - 1000, now), 'just now')
    assert.equal(sinceText(now - 3_600_000, now), 'since 14:00')
    assert.equal(sinceText(now - 86_400_000, now), 'since yesterday')
    assert.equal(sinceText(now - 20 * 86_400_000, now), 'since 2 Nov')
  })

  it('never says 100 % before the end', () => {
    assert.deepEqual([percent(0, 10), percent(9999, 10_000), percent(10, 10), percent(0, 0), percent(11, 10)], [0, 99, 100, 100, 100])
  })

  it('parses its own links and nothing else', () => {
    assert.deepEqual(parseRoute(routeHref('chat', PI)), { screen: 'chat', peer: PI })
    assert.deepEqual(parseRoute('#/settings/abc'), { screen: 'settings' })
    for (const foreign of ['', '#j=abc', '#/nowhere', '#/chat/../x', `#/chat/${'a'.repeat(200)}`])
      assert.deepEqual(parseRoute(foreign), { screen: 'devices' })
  })

  it('suggests a name from what the browser says', () => {
    const linux = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36'
    assert.equal(suggestName({ userAgent: linux }), 'Chrome on Linux')
    assert.equal(
      suggestName({ userAgent: 'Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36' }),
      'Chrome on Pixel 9',
    )
    assert.equal(
      suggestName({ userAgent: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36' }),
      'Chrome on Android',
    )
    assert.equal(
      suggestName({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1' }),
      'Safari on iPhone',
    )
    assert.equal(
      suggestName({
        userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15',
        maxTouchPoints: 5,
      }),
      'Safari on iPad',
    )
    assert.equal(suggestName({ userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0' }), 'Firefox on Windows')
    assert.equal(suggestName({ userAgent: '' }), 'Browser')
  })

  it('says what happened, why and what to do', () => {
    const problem = problemOf('It was not sent.', new MeshError('RELAY_FULL', '128 of 128 places taken'))
    assert.deepEqual(problem, {
      code: 'RELAY_FULL',
      what: 'It was not sent.',
      why: '128 of 128 places taken.',
      fix: 'The relay has no place left. Try again in a minute, or add another relay.',
    })
    assert.equal(problemOf('x', undefined).code, 'INTERNAL')
    assert.match(insecureProblem('192.168.1.5:8080', '8080').fix, /http:\/\/dmesh\.localhost:8080.*--tls-cert/)
  })

  it('explains a path in sentences, with an advice that fits', () => {
    const state = fullState(1_000_000_000)
    const peer = state.peers.find((one) => one.id === PI) as PeerInfo
    const why = whyOf(peer, state)
    assert.equal(why.title, 'Why is Workshop Pi relayed?')
    assert.deepEqual(why.tried.map(spaced), [
      'WebRTC, 2 local and 3 remote candidates — no answer in time',
      'WebRTC, 2 local and 3 remote candidates — trying now',
    ])
    assert.equal(spaced(why.now), 'Relayed by home.example, 62 ms. The relay sees sizes and times, never content.')
    assert.match(why.advice.join(' '), /UDP/)
    assert.doesNotMatch(
      whyOf({ ...peer, attempts: [{ transport: 'webrtc', what: '', outcome: 'NOT_SUPPORTED', at: 1 }] }, state).advice.join(' '),
      /UDP/,
    )
    const silent = { transport: 'webrtc', what: 'WebRTC, 2 local and 0 remote candidates', outcome: 'TIMEOUT', at: 1 } as const
    const failed = (obstacle: PathObstacle) => {
      const attempt = { transport: 'webrtc', what: 'WebRTC, 2 local and 2 remote candidates', outcome: 'TIMEOUT', obstacle, at: 1 } as const
      return whyOf({ ...peer, attempts: [attempt] }, state).advice.join(' ')
    }
    assert.match(failed('symmetric-nat'), /symmetric NAT.*No firewall rule helps.*same network/)
    assert.doesNotMatch(failed('symmetric-nat'), /blocked|Allow UDP/)
    assert.match(failed('no-udp-here'), /UDP is blocked on this side.*Allow UDP/)
    assert.match(failed('no-udp-there'), /UDP is blocked on the other side/)
    assert.match(failed('no-udp'), /UDP is blocked on both sides/)
    assert.match(whyOf({ ...peer, attempts: [silent] }, state).advice.join(' '), /switched off there/)
    assert.ok(whyOf({ ...peer, attempts: [] }, state).advice.length > 0)
  })

  it('places every peer of the map inside the picture, once, and counts the rest', () => {
    const state = fullState(1_000_000_000)
    const [first] = state.peers
    const crowd = Array.from(
      { length: 60 },
      (_, i): PeerInfo => ({ ...(first as PeerInfo), id: `p${i}`, path: i % 3 === 0 ? 'direct' : i % 3 === 1 ? 'relayed' : 'away' }),
    )
    for (const peers of [state.peers, [], crowd]) {
      const picture = mapPicture({ ...state, peers })
      assert.equal(picture.peers.length + picture.more, peers.length)
      for (const { x, y } of picture.peers) assert.ok(x >= 26 && x <= 694 && y >= 26 && y <= 455, `${x} ${y}`)
    }
  })
})
