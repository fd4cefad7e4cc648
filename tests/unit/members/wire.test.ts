/** Frames of /dmesh/members/1.0.0: what is sent is read back; anything else gives BAD_FRAME or UNKNOWN_VERSION. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { decodeFirst, decodeNext, encodeError, encodeMembers, type FirstFrame, type NextFrame } from '../../../src/protocols/members/wire.ts'
import { concat, toUtf8 } from '../../../src/shared/bytes.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { decodeVarint } from '../../../src/wire/varint.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const PEER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
const body = (frame: Uint8Array) => frame.subarray(decodeVarint(frame)?.length)
const CODES = ['BAD_FRAME', 'UNKNOWN_VERSION'] as const
const newest = { seq: 2, document: '{}', removed: '' }

test('frames come back as they were sent', () => {
  const first: FirstFrame[] = [
    { t: 'have', v: 1, mesh: PEER, chain: ['c'], seq: 3 },
    { t: 'leave', v: 1, mesh: PEER, leave: 'a.b.c' },
  ]
  for (const frame of first) assert.deepEqual(decodeFirst(body(encodeMembers(frame))), frame)
  const next: NextFrame[] = [
    { t: 'have', seq: 3 },
    { t: 'documents', ...newest },
  ]
  for (const frame of next) assert.deepEqual(decodeNext(body(encodeMembers(frame))), frame)
  const error = decodeNext(body(encodeError(new MeshError('NOT_MEMBER', 'out'), newest)))
  assert.deepEqual(error, { t: 'error', code: 'NOT_MEMBER', message: 'out', newest })
})

test('any bytes, any JSON and near misses give a value or a code', () => {
  const base = { v: 1, mesh: PEER, chain: ['c'], leave: 'l', ...newest, code: 'X', message: '', newest }
  const near = fc.record({
    key: fc.constantFrom(...Object.keys(base)),
    value: fc.jsonValue(),
    t: fc.constantFrom('have', 'leave', 'documents', 'error'),
  })
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.jsonValue().map((value) => toUtf8(JSON.stringify(value))),
    near.map(({ key, value, t }) => toUtf8(JSON.stringify({ ...base, t, [key]: value }))),
  )
  fc.assert(
    fc.property(input, (bytes) => {
      for (const decode of [decodeFirst, decodeNext]) valueOrCode(() => decode(concat([bytes])), CODES)
    }),
    { numRuns: FUZZ_RUNS },
  )
})
