/** Frames and names of the file protocol: known cases, and any bytes at all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { safeName } from '../../../src/protocols/files/name.ts'
import { createRate } from '../../../src/protocols/files/rate.ts'
import { decodeAnswer, decodeOpening, decodeTrailer, decodeVerdict, offerJson, safeType, wantJson } from '../../../src/protocols/files/wire.ts'
import { isErrorCode, MeshError } from '../../../src/shared/errors.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

describe('wire', () => {
  it('decodeOpening reads what offerJson and wantJson wrote', () => {
    const offer = { id: 'a-1', name: 'Bild ü.png', size: 5, type: 'image/png', mtime: 7 }
    assert.deepEqual(decodeOpening(bytes(offerJson(offer))), { kind: 'offer', offer })
    assert.deepEqual(decodeOpening(bytes(wantJson('a-1'))), { kind: 'want', id: 'a-1' })
    assert.throws(() => decodeOpening(bytes({ v: 1, kind: 'want', id: '../x' })), { code: 'BAD_FRAME' })
  })

  it('decodeOpening ignores keys of newer peers', () => {
    const offer = { id: 'a-1', name: 'x', size: 5, type: '' }
    assert.deepEqual(decodeOpening(bytes({ ...(offerJson(offer) as object), more: ['a'] })), { kind: 'offer', offer })
  })

  for (const [name, decode] of Object.entries({ decodeOpening, decodeAnswer, decodeTrailer, decodeVerdict })) {
    it(`${name} gives a value or a MeshError for any bytes`, () => {
      const check = (frame: Uint8Array) => {
        try {
          decode(frame)
        } catch (error) {
          assert.ok(error instanceof MeshError, String(error))
          assert.ok(['BAD_FRAME', 'UNKNOWN_VERSION'].includes(error.code), error.code)
        }
      }
      fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns })
      fc.assert(
        fc.property(fc.jsonValue(), (value) => check(bytes(value))),
        { numRuns },
      )
      const near = fc.record(
        {
          v: fc.oneof(fc.constant(1), fc.anything()),
          kind: fc.constantFrom('offer', 'want', 'accept', 'wait', 'stop', 'digest', 'done'),
          id: fc.string(),
          name: fc.string({ unit: 'binary' }),
          size: fc.oneof(fc.integer(), fc.double()),
          type: fc.string(),
          offset: fc.integer(),
          code: fc.string(),
          sha256: fc.string(),
        },
        { requiredKeys: ['kind'] },
      )
      fc.assert(
        fc.property(near, (value) => check(bytesOrEmpty(value))),
        { numRuns },
      )
    })
  }

  it('a stop always carries a code of the table', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 32 }), (code) => {
        const answer = decodeAnswer(bytes({ kind: 'stop', code }))
        assert.ok(answer.kind === 'stop' && isErrorCode(answer.code))
      }),
      { numRuns },
    )
  })

  it('safeType keeps media types and nothing else', () => {
    assert.equal(safeType('Image/PNG'), 'image/png')
    assert.equal(safeType('application/vnd.oasis.opendocument.text'), 'application/vnd.oasis.opendocument.text')
    for (const bad of ['', 'image', 'image/', 'text/html; charset=x', 'a/b/c', 'a\n/b', 'x/'.padEnd(200, 'y')]) assert.equal(safeType(bad), '')
  })
})

function bytesOrEmpty(value: unknown): Uint8Array {
  try {
    return bytes(value)
  } catch {
    return new Uint8Array(0) // fast-check made something JSON cannot hold, e.g. a bigint
  }
}

describe('safeName', () => {
  const cases: readonly [string, string][] = [
    ['photo.jpg', 'photo.jpg'],
    ['Grüße 🎈.txt', 'Grüße 🎈.txt'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['C:\\Windows\\x.exe', 'C__Windows_x.exe'],
    ['.bashrc', 'bashrc'],
    ['...', 'file'],
    ['', 'file'],
    [' \u0000\u0007 ', 'file'],
    ['invoice\u202efdp.exe', 'invoicefdp.exe'],
    ['a\u200bb\u2066c\ufeff', 'abc'],
    ['line\nbreak\r.txt', 'linebreak.txt'],
    ['nul', '_nul'],
    ['COM1.txt', '_COM1.txt'],
    ['end. . ', 'end'],
    ['lone\ud800', 'lone'],
  ]
  for (const [raw, expected] of cases) it(`${JSON.stringify(raw)} becomes ${JSON.stringify(expected)}`, () => assert.equal(safeName(raw), expected))

  it('cuts long names at 255 bytes, between characters, and keeps the extension', () => {
    assert.equal(safeName(`${'a'.repeat(300)}.tar`), `${'a'.repeat(251)}.tar`)
    const name = safeName(`${'🎈'.repeat(200)}.png`)
    assert.equal(name, `${'🎈'.repeat(62)}.png`)
  })

  it('is safe and stable for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (raw) => {
        const name = safeName(raw)
        assert.ok(name.length > 0 && new TextEncoder().encode(name).byteLength <= 255)
        assert.doesNotMatch(name, /[/\\\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u)
        assert.doesNotMatch(name, /^\.|[. ]$/)
        assert.equal(safeName(name), name)
      }),
      { numRuns },
    )
  })
})

describe('createRate', () => {
  it('tells bytes a second over the last 3 s, not over all', () => {
    const rate = createRate()
    rate.sample(0, 0)
    for (let t = 100; t <= 10_000; t += 100) rate.sample(t * 1000, t)
    const slow = []
    for (let t = 10_100; t <= 20_000; t += 100) slow.push(rate.sample(10_000_000 + (t - 10_000) * 10, t))
    assert.equal(slow.at(-1), 10_000)
  })

  it('is 0 before there is time to measure', () => {
    assert.equal(createRate().sample(5, 1), 0)
  })
})
