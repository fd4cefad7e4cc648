/** Recovery words: the examples of BIP 39, there and back for any bytes, and any text gives bytes or WORDS_INVALID. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { bytesOfWords, wordsOf } from '../../../src/identity/words.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

test('the examples of BIP 39', () => {
  const rows: readonly [number, number, string][] = [
    [0x00, 16, `${'abandon '.repeat(11)}about`],
    [0x7f, 16, 'legal winner thank year wave sausage worth useful legal winner thank yellow'],
    [0xff, 16, `${'zoo '.repeat(11)}wrong`],
    [0xff, 32, `${'zoo '.repeat(23)}vote`],
  ]
  for (const [byte, size, words] of rows) {
    const bytes = new Uint8Array(size).fill(byte)
    assert.equal(wordsOf(bytes).join(' '), words)
    assert.deepEqual(bytesOfWords(words.toUpperCase().replaceAll(' ', ',\n')), bytes)
  }
})

test('bytes come back, and any text gives bytes or WORDS_INVALID', () => {
  const word = fc.constantFrom('abandon', 'about', 'zoo', 'wrong', 'legal', 'winner', 'qwertz', '')
  const text = fc.oneof(
    fc.string(),
    fc.array(word, { minLength: 11, maxLength: 13 }).map((words) => words.join(' ')),
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), text, (bytes, other) => {
      assert.deepEqual(bytesOfWords(wordsOf(bytes).join(' ')), bytes)
      valueOrCode(() => bytesOfWords(other), ['WORDS_INVALID'])
    }),
    { numRuns: FUZZ_RUNS },
  )
})
