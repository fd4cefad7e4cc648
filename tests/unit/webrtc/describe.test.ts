/** What a WebRTC attempt is called in "Why this path?": which side lacks a public address, what ICE said, which code. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeReport, obstacleOf, outcomeOf } from '../../../src/transports/webrtc/describe.ts'
import type { RtcReport } from '../../../src/transports/webrtc/report.ts'

const report = (more: Partial<RtcReport>): RtcReport => ({ local: {}, remote: {}, state: 'connecting', errors: [], ...more })
const both = { host: 1, srflx: 1 }

test('candidates are counted by type', () => {
  assert.equal(describeReport(undefined), 'WebRTC')
  assert.equal(describeReport(report({ local: both, remote: { host: 3 } })), 'WebRTC, 2 local (host 1, srflx 1) and 3 remote candidates (host 3)')
})

test('who got no answer from STUN is named, once an attempt failed', () => {
  const says = (local: Record<string, number>, remote: Record<string, number>) => describeReport(report({ local, remote }), true).split('; ')[1]
  assert.equal(says({ host: 1 }, { host: 1 }), 'no public address learned here and there, UDP may be blocked')
  assert.equal(says({ host: 1 }, both), 'no public address learned here, UDP may be blocked')
  assert.equal(says(both, { host: 1 }), 'no public address learned there, UDP may be blocked')
  assert.equal(says(both, both), 'public addresses on both sides, yet the routers let none of them through')
  assert.equal(says({}, {}), undefined, 'no candidates at all say nothing about UDP')
})

test('symmetric NAT and blocked UDP are told apart by who learned a public address', () => {
  const of = (local: Record<string, number>, remote: Record<string, number>) => obstacleOf(report({ local, remote }))
  assert.equal(of(both, both), 'symmetric-nat')
  assert.equal(of({ host: 2 }, both), 'no-udp-here')
  assert.equal(of(both, { host: 2 }), 'no-udp-there')
  assert.equal(of({ host: 1 }, { host: 1 }), 'no-udp')
  assert.equal(of(both, {}), undefined, 'a side without any address has no WebRTC')
})

test('what the browser says itself comes first', () => {
  const text = describeReport(report({ local: { host: 1 }, state: 'failed', errors: ['701 STUN binding request timed out'] }), true)
  assert.equal(text, 'WebRTC, 1 local (host 1) and 0 remote candidates; no pair of them could talk; 701 STUN binding request timed out')
})

test('an attempt that never was a connection cannot have lost one', () => {
  assert.equal(outcomeOf('PATH_LOST', report({})), 'PEER_UNREACHABLE')
  assert.equal(outcomeOf('INTERNAL', undefined), 'PEER_UNREACHABLE')
  assert.equal(outcomeOf('TIMEOUT', report({ state: 'failed' })), 'PEER_UNREACHABLE')
  assert.equal(outcomeOf('TIMEOUT', report({})), 'TIMEOUT')
  assert.equal(outcomeOf('ABORTED', report({ code: 'LIMIT_REACHED' })), 'LIMIT_REACHED')
})
