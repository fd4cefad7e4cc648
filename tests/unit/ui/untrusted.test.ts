/** Text of strangers: hidden characters out, length capped, never empty, whatever comes in. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  FILE_NAME_CHARACTERS,
  MESSAGE_CHARACTERS,
  NAME_CHARACTERS,
  plainFileName,
  plainMessage,
  plainName,
  shortenMiddle,
} from '../../../src/ui/untrusted.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)
const HIDDEN = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u2028\u2029\ufeff]/u
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('a', '\u202e', '\u0301', '\n', ' ', '.', '/', '🏴', '\ud800', '\u0000'), maxLength: 300 }),
)

describe('text of strangers', () => {
  it('plainName gives one visible line for any text', () => {
    fc.assert(
      fc.property(text, (input) => {
        const name = plainName(input)
        assert.doesNotMatch(name, HIDDEN)
        assert.doesNotMatch(name, /[\n\r\t]|\p{M}{4}/u)
        assert.ok(name.trim() !== '')
        assert.ok([...name].length <= NAME_CHARACTERS)
      }),
      { numRuns },
    )
  })

  it('plainName keeps real names as they are', () => {
    for (const name of ['Ana’s laptop', 'Léa', '山田のPC', 'حاسوب محمد', '👩‍👩‍👧 Tablet', 'क्षितिज']) assert.equal(plainName(name), name)
    assert.equal(plainName('\u202Eevil\u202C'), 'evil')
    assert.equal(plainName('\u200b\u0000'), 'Unnamed')
  })

  it('plainMessage keeps lines and says when it cut', () => {
    assert.deepEqual(plainMessage('a\r\nb'), { text: 'a\nb', clipped: false })
    const long = plainMessage('x'.repeat(MESSAGE_CHARACTERS + 1))
    assert.equal(long.clipped, true)
    assert.equal([...long.text].length, MESSAGE_CHARACTERS)
    fc.assert(
      fc.property(text, (input) => assert.doesNotMatch(plainMessage(input).text.replace(/[\n\t]/g, ''), HIDDEN)),
      { numRuns },
    )
  })

  it('plainFileName never names another folder or a hidden file', () => {
    fc.assert(
      fc.property(text, (input) => {
        const name = plainFileName(input)
        assert.doesNotMatch(name, /[/\\:*?"<>|]|^\./)
        assert.ok(name !== '' && [...name].length <= FILE_NAME_CHARACTERS)
      }),
      { numRuns },
    )
    assert.equal(plainFileName('../../etc/passwd'), '_.._etc_passwd')
    assert.match(plainFileName(`${'long '.repeat(60)}.tar.gz`), /\.tar\.gz$/)
  })

  it('shortenMiddle keeps both ends', () => {
    assert.equal(shortenMiddle('12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X', 12), '12D3Koo…yQ6X')
    assert.equal(shortenMiddle('short', 12), 'short')
  })
})
