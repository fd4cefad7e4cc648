/** Frames of /dmesh/invite/1.0.0: what is sent is read back; anything else gives BAD_FRAME or UNKNOWN_VERSION. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeCall, decodeFirst, decodeRelay, encodeInvite, type FirstFrame } from '../../../src/protocols/invite/wire.ts'
import { concat, toUtf8 } from '../../../src/shared/bytes.ts'
import { decodeVarint } from '../../../src/wire/varint.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const PEER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
const body = (frame: Uint8Array) => frame.subarray(decodeVarint(frame)?.length)
const claim = { token: 'a.b.c', nonce: 'nonce', signature: 'sig', sealing: { key: 'key', signature: 'sig' } }
const CODES = ['BAD_FRAME', 'UNKNOWN_VERSION'] as const

test('frames come back as they were sent', () => {
  const first: FirstFrame[] = [
    { t: 'desk', v: 1, mesh: PEER, chain: ['c'], have: 0 },
    { t: 'claim', v: 1, ...claim },
    { t: 'mine', v: 1, user: PEER, at: 1, signature: 'sig' },
  ]
  for (const frame of first) assert.deepEqual(decodeFirst(body(encodeInvite(frame))), frame)
  const calls = [
    { t: 'put', n: 1, seq: 2, document: '{}', removed: '' } as const,
    { t: 'answer', n: 2, invite: 'id', peer: PEER, code: 'INVITE_USED' } as const,
    { t: 'withdraw', n: 3, invite: 'id', until: 5 } as const,
    { t: 'leave', n: 4, leave: 'a.b.c' } as const,
    { t: 'left', n: 5, peer: PEER } as const,
  ]
  for (const frame of calls) assert.deepEqual(decodeCall(body(encodeInvite(frame))), frame)
  const relay = [{ t: 'ok', v: 1, seq: 1 } as const, { t: 'waiting', peer: PEER, ...claim } as const, { t: 'answer' } as const]
  for (const frame of relay) assert.deepEqual(decodeRelay(body(encodeInvite(frame))), frame)
})

const BASE = {
  t: 'claim',
  v: 1,
  ...claim,
  mesh: PEER,
  chain: ['c'],
  have: 0,
  n: 1,
  seq: 1,
  document: '',
  removed: '',
  peer: PEER,
  invite: 'i',
  until: 1,
  leave: 'l',
  user: PEER,
  at: 1,
  signature: 'sig',
  code: 'X',
  message: '',
}

test('any bytes, any JSON and near misses give a value or a code', () => {
  const key = fc.constantFrom(...Object.keys(BASE))
  const near = fc.record({
    key,
    value: fc.jsonValue(),
    t: fc.constantFrom(
      'desk',
      'claim',
      'mine',
      'put',
      'answer',
      'withdraw',
      'leave',
      'left',
      'leaving',
      'ok',
      'documents',
      'waiting',
      'done',
      'error',
    ),
  })
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.jsonValue().map((value) => toUtf8(JSON.stringify(value))),
    near.map(({ key: name, value, t }) => toUtf8(JSON.stringify({ ...BASE, t, [name]: value }))),
  )
  fc.assert(
    fc.property(input, (bytes) => {
      for (const decode of [decodeFirst, decodeCall, decodeRelay]) valueOrCode(() => decode(concat([bytes])), CODES)
    }),
    { numRuns: FUZZ_RUNS },
  )
})

test('what is too long is refused', () => {
  const long = { t: 'desk', v: 1, mesh: PEER, chain: Array.from({ length: 9 }, () => 'c'), have: 0 }
  assert.equal(
    valueOrCode(() => decodeFirst(toUtf8(JSON.stringify(long))), CODES),
    undefined,
  )
})
