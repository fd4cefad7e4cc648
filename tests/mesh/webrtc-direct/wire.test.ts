/** What both sides of webrtc-direct infer: credentials, prologue (vector of the specification), certhash, SDP and message framing; every decoder against anything at all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, fromHex, toHex } from '../../../src/shared/bytes.ts'
import { isErrorCode } from '../../../src/shared/errors.ts'
import { createFrameReader, decodeFrame, encodeData, encodeFlag, FLAG, type Frame } from '../../../src/transports/webrtc-direct/frame.ts'
import { MAX_MESSAGE, MAX_PAYLOAD } from '../../../src/transports/webrtc-direct/limits.ts'
import {
  answerSdp,
  fingerprintOf,
  formatCerthash,
  inferCredentials,
  mungeCredentials,
  noisePrologue,
  offerSdp,
  parseCerthash,
  parseFingerprint,
  randomIceChars,
  sdpAttribute,
  serverUfrag,
} from '../../../src/transports/webrtc-direct/wire.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)

test('the noise prologue is that of the specification', () => {
  const client = fromHex('3e79af40d6059617a0d83b83a52ce73b0c1f37a72c6043ad2969e2351bdca870')
  const server = fromHex('30fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99')
  assert.ok(client && server)
  assert.equal(
    toHex(noisePrologue(client, server)),
    '6c69627032702d7765627274632d6e6f6973653a12203e79af40d6059617a0d83b83a52ce73b0c1f37a72c6043ad2969e2351bdca870122030fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99',
  )
})

test('v1 has one credential for both sides, v2 carries the password of the dialer', () => {
  const one = serverUfrag(1, randomIceChars(32))
  assert.deepEqual(inferCredentials(one, one), { version: 1, server: { ufrag: one, pwd: one }, client: { ufrag: one, pwd: one } })
  const pwd = randomIceChars(24)
  const two = serverUfrag(2, pwd)
  assert.deepEqual(inferCredentials(two, 'EsAw'), { version: 2, server: { ufrag: two, pwd: two }, client: { ufrag: 'EsAw', pwd } })
})

test('credentials that are not ICE-safe are never inferred', () => {
  const good = serverUfrag(2, 'p'.repeat(24))
  for (const [server, client] of [
    [good, 'abc'],
    [good, 'ab d'],
    [good, 'a'.repeat(257)],
    [good, undefined],
    [`${good}\n`, 'abcd'],
    [good.replace('v2', 'v3'), 'abcd'],
    [good.replace('v2', 'v1'), 'abcd'],
    ['libp2p+webrtc+v2/ppppp', 'abcd'],
    [`libp2p+webrtc+v2/${'p'.repeat(240)}`, 'abcd'],
    ['p'.repeat(32), 'p'.repeat(32)],
    [42, 'abcd'],
  ])
    assert.equal(inferCredentials(server, client), undefined, `${server} ${client}`)
  assert.throws(() => serverUfrag(2, 'short'), { code: 'BAD_ARGUMENT' })
  assert.throws(() => serverUfrag(2, 'with space with space with'), { code: 'BAD_ARGUMENT' })
})

test('whatever is inferred from any text is ICE-safe', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'aZ09+/:% \n'), maxLength: 280 }))
  const half = fc.oneof(
    text,
    fc.tuple(fc.constantFrom('libp2p+webrtc+v1/', 'libp2p+webrtc+v2/'), text).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(half, half, fc.boolean(), (server, client, same) => {
      const inferred = inferCredentials(server, same ? server : client)
      if (!inferred) return
      for (const { ufrag, pwd } of [inferred.server, inferred.client]) {
        assert.match(ufrag, /^[A-Za-z0-9+/]{4,256}$/)
        assert.match(pwd, /^[A-Za-z0-9+/]{22,256}$/)
      }
    }),
    { numRuns: RUNS },
  )
})

test('certhash and fingerprint convert both ways and refuse the rest', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
      assert.deepEqual(parseCerthash(formatCerthash(digest)), digest)
      assert.deepEqual(fingerprintOf(answerSdp({ host: '127.0.0.1', port: 1 }, { ufrag: 'abcd', pwd: 'p'.repeat(22) }, digest)), digest)
    }),
  )
  for (const bad of ['', 'u', 'uEiA', `z${formatCerthash(new Uint8Array(32)).slice(1)}`, formatCerthash(new Uint8Array(31)), 'uEyA'.padEnd(47, 'A')])
    assert.throws(() => parseCerthash(bad), { code: 'BAD_ARGUMENT' })
  assert.throws(() => parseFingerprint('sha-1', `${'AB:'.repeat(31)}AB`), { code: 'BAD_ARGUMENT' })
  assert.throws(() => parseFingerprint('sha-256', 'AB'), { code: 'BAD_ARGUMENT' })
  assert.throws(() => fingerprintOf('v=0\r\n'), { code: 'BAD_ARGUMENT' })
})

test('the inferred offer carries what the request said, over IPv4 and IPv6', () => {
  for (const [host, family] of [
    ['192.0.2.7', 'IP4'],
    ['2001:db8::7', 'IP6'],
  ] as const) {
    const sdp = offerSdp({ host, port: 4002 }, { ufrag: 'abcd', pwd: 'p'.repeat(24) })
    assert.match(sdp, new RegExp(`^c=IN ${family} ${host}\\r$`, 'm'))
    assert.equal(sdpAttribute(sdp, 'ice-ufrag'), 'abcd')
    assert.equal(sdpAttribute(sdp, 'setup'), 'active')
    assert.equal(sdpAttribute(sdp, 'max-message-size'), '16384')
  }
})

test('munging changes both credentials and nothing else', () => {
  const sdp = 'v=0\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\na=x\r\n'
  assert.equal(mungeCredentials(sdp, { ufrag: 'new', pwd: 'newer' }), 'v=0\r\na=ice-ufrag:new\r\na=ice-pwd:newer\r\na=x\r\n')
})

test('messages come back whole however the bytes are cut', () => {
  const part = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.constantFrom(...Object.values(FLAG)))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (parts, cuts) => {
      const bytes = concat(parts.map((each) => (typeof each === 'number' ? encodeFlag(each) : concat(encodeData([each], each.byteLength)))))
      const read: (number | string)[] = []
      const reader = createFrameReader(({ flag, message }: Frame) => read.push(flag ?? toHex(message ?? new Uint8Array())))
      for (let at = 0, i = 0; at < bytes.byteLength; i++) {
        const size = cuts[i % cuts.length] as number
        reader(bytes.slice(at, at + size))
        at += size
      }
      assert.deepEqual(
        read,
        parts.map((each) => (typeof each === 'number' ? each : toHex(each))),
      )
    }),
    { numRuns: 1_000 },
  )
})

test('a full payload fits the message size of the specification, one byte above is refused', () => {
  assert.ok(concat(encodeData([new Uint8Array(MAX_PAYLOAD)], MAX_PAYLOAD)).byteLength <= MAX_MESSAGE)
  const tooLong = concat(encodeData([new Uint8Array(MAX_MESSAGE)], MAX_MESSAGE))
  assert.throws(() => createFrameReader(() => undefined)(tooLong), { code: 'FRAME_TOO_LARGE' })
})

test('a message that go-libp2p could not read in one piece has its length before it', () => {
  assert.deepEqual(
    encodeData([new Uint8Array(4_000)], 4_000).map(({ byteLength }) => byteLength),
    [4_005],
  )
  assert.deepEqual(
    encodeData([new Uint8Array(5_000)], 5_000).map(({ byteLength }) => byteLength),
    [2, 5_003],
  )
})

test('fields of a newer version are skipped', () => {
  const frame = decodeFrame(Uint8Array.of(0x18, 0x05, 0x22, 0x01, 0xff, 0x08, 0x01, 0x2d, 1, 2, 3, 4, 0x12, 0x02, 7, 8, 0x31, 1, 2, 3, 4, 5, 6, 7, 8))
  assert.equal(frame.flag, 1)
  assert.deepEqual(frame.message, Uint8Array.of(7, 8))
})

test('any bytes give frames or a MeshError, never more than was put in', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 6 }), (chunks) => {
      let got = 0
      const reader = createFrameReader(({ message }) => void (got += message?.byteLength ?? 0))
      try {
        for (const chunk of chunks) reader(Uint8Array.from(chunk))
      } catch (error) {
        assert.ok(isErrorCode((error as { code?: unknown }).code), String(error))
      }
      assert.ok(got <= chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
    }),
    { numRuns: RUNS },
  )
})
