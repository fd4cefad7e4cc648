/** Short codes: CPace gives what its draft says (appendix B.3), equal codes give one key and others none; typed text and frames give values or codes. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { makeShortCode, readShortCode, startCode } from '../../../src/access/short-code.ts'
import { generatorString, intermediateKey, startPake } from '../../../src/identity/cpace.ts'
import { decodeCode, encodeCode } from '../../../src/protocols/code/wire.ts'
import { concat, fromHex, toHex, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { decodeVarint } from '../../../src/wire/varint.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const hex = (text: string) => fromHex(text) as Uint8Array<ArrayBuffer>
const INPUT = {
  secret: toUtf8('Password'),
  channel: hex('6f630b425f726573706f6e6465720b415f696e69746961746f72'),
  session: hex('7e4b4791d6a8ef019b936c79fb7f2c57'),
}

test('CPACE-RISTR255-SHA512 as in the draft', () => {
  const text = toHex(generatorString(INPUT.secret, INPUT.channel, INPUT.session))
  assert.equal(text.length, 2 * 172)
  assert.ok(text.startsWith('11435061636552697374726574746f3235350850617373776f726464') && text.endsWith('107e4b4791d6a8ef019b936c79fb7f2c57'))
  const a = startPake(INPUT, hex('da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08'))
  const b = startPake(INPUT, hex('d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d'))
  assert.equal(toHex(a.share), 'd40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a')
  assert.equal(toHex(b.share), '08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307')
  assert.deepEqual(a.finish(b.share, 'first'), b.finish(a.share, 'second'))
  // The draft's example has associated data; ours is empty, so the last step is checked by itself.
  const shared = hex('e22b1ef7788f661478f3cddd4c600774fc0f41e6b711569190ff88fa0e607e09')
  const transcript = hex(`20${toHex(a.share)}0341446120${toHex(b.share)}03414462`)
  const isk = '4c5469a16b2364c4b944ebc1a79e51d1674ad47db26e8718154f59faebfaa52d8346f30aa58377117eb20d527f2cbc5c76381f7fd372e89df8239f87f2e02ed1'
  assert.equal(toHex(intermediateKey(INPUT.session, shared, transcript)), isk)
  for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31)])
    assert.throws(
      () => startPake(INPUT).finish(bad, 'first'),
      (error) => codeOf(error) === 'BAD_FRAME',
    )
})

test('the same code gives one key to both, another code or another peer none', async () => {
  const session = crypto.getRandomValues(new Uint8Array(16))
  const who = { issuer: 'ana', joiner: 'ben' }
  const pair = (code: string, other: string, others = who) => {
    const [joiner, issuer] = [startCode(code, who, session, 'joiner'), startCode(other, others, session, 'issuer')]
    return [joiner.finish(issuer.share), issuer.finish(joiner.share)] as const
  }
  const [mine, theirs] = pair('12-zoo-legal', '12-zoo-legal')
  assert.ok(theirs.proves(mine.proof))
  assert.equal(await mine.open(await theirs.seal('link')), 'link')
  for (const [joiner, issuer] of [pair('12-zoo-legal', '13-zoo-legal'), pair('12-zoo-legal', '12-zoo-legal', { ...who, joiner: 'relay' })]) {
    assert.ok(!issuer.proves(joiner.proof))
    await assert.rejects(joiner.open(await issuer.seal('link')), (error) => codeOf(error) === 'CODE_WRONG')
  }
})

test('a code is read however it is typed; what cannot be one is said before anybody is asked', () => {
  for (let i = 0; i < 50; i++) {
    const code = makeShortCode()
    assert.match(code, /^\d\d-[a-z]+-[a-z]+$/)
    assert.equal(readShortCode(` ${code.toUpperCase().replaceAll('-', ' ')} `), code)
  }
  for (const bad of ['', '1-zoo-zoo', '12-zoo', '12-zoo-qwertz', '12-zoo-zoo-zoo', 'zoo-12-zoo'])
    assert.throws(
      () => readShortCode(bad),
      (error) => codeOf(error) === 'WORDS_INVALID',
      bad,
    )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.constantFrom('12', 'zoo', '-', 'x')).map((parts) => parts.join(' ')),
      ),
      (text) => {
        valueOrCode(() => readShortCode(text), ['WORDS_INVALID'])
      },
    ),
    { numRuns: FUZZ_RUNS },
  )
})

test('frames come back as they were sent, and anything else gives a value or a code', () => {
  const base = { v: 1, session: 's'.repeat(22), share: 'h'.repeat(43), proof: 'p'.repeat(43), box: 'b', code: 'X', message: '' }
  const start = { t: 'start', v: 1, session: base.session, share: base.share } as const
  const bytes = encodeCode(start)
  assert.deepEqual(decodeCode(bytes.subarray(decodeVarint(bytes)?.length)), start)
  const t = fc.constantFrom('start', 'share', 'proof', 'invite', 'error')
  const near = fc.record({ key: fc.constantFrom(...Object.keys(base)), value: fc.jsonValue(), t })
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.jsonValue().map((value) => toUtf8(JSON.stringify(value))),
    near.map(({ key, value, t: kind }) => toUtf8(JSON.stringify({ ...base, t: kind, [key]: value }))),
  )
  fc.assert(
    fc.property(input, (some) => void valueOrCode(() => decodeCode(concat([some])), ['BAD_FRAME', 'UNKNOWN_VERSION'])),
    { numRuns: FUZZ_RUNS },
  )
})
