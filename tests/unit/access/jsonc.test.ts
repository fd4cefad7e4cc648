/** parseJsonc(): the same values as JSON.parse, comments and trailing commas besides, and a line for every mistake. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJsonc } from '../../../src/access/jsonc.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)

test('parseJsonc() gives what JSON.parse gives, for any JSON and any indentation', () => {
  const json = fc.jsonValue({ maxDepth: 4, noUnicodeString: false })
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent)
      fc.pre(!text.includes('"__proto__"'))
      assert.deepEqual(parseJsonc(text).value, JSON.parse(text))
    }),
    { numRuns: Math.min(numRuns, 2000) },
  )
})

test('parseJsonc() throws nothing but BAD_CONFIG with a line, and accepts what JSON.parse accepts', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '\\',
    '//',
    '/*',
    '*/',
    '\n',
    ' ',
    '1',
    '-',
    '.5',
    'e9',
    '01',
    'true',
    'nul',
    '\u0001',
    '\uFEFF',
    '"\\u12"',
  )
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 30, unit: 'binary' }),
    fc.json({ maxDepth: 2 }).chain((json) => fc.nat({ max: json.length }).map((at) => json.slice(0, at))),
  )
  fc.assert(
    fc.property(text, (input) => {
      let expected: { value: unknown } | undefined
      try {
        expected = { value: JSON.parse(input) }
      } catch {
        // Comments and trailing commas are ours alone.
      }
      try {
        const { value } = parseJsonc(input)
        if (expected) assert.deepEqual(value, expected.value)
      } catch (error) {
        const { code, message } = error as { code?: unknown; message: string }
        assert.equal(code, 'BAD_CONFIG', message)
        assert.match(message, /^line \d+: /)
        assert.ok(!expected || /given twice|__proto__/.test(message), message)
      }
    }),
    { numRuns },
  )
})

test('parseJsonc() knows the line of every value', () => {
  const { value, lineOf } = parseJsonc(
    '\uFEFF// who may\r\n{\r\n  "rows": [ /* none\r\nyet */\r\n    { "id": "a", },\r\n    {\r\n      "id": "https://x /* no comment */",\r\n    },\r\n  ],\r\n}\r\n// end',
  )
  assert.deepEqual(value, { rows: [{ id: 'a' }, { id: 'https://x /* no comment */' }] })
  const lines = {
    '[]': 2,
    '["rows"]': 3,
    '["rows",0]': 5,
    '["rows",0,"id"]': 5,
    '["rows",1]': 6,
    '["rows",1,"id"]': 7,
    '["rows",1,"missing"]': 6,
    '["rows",7]': 3,
    '["other"]': 2,
  }
  for (const [path, line] of Object.entries(lines)) assert.equal(lineOf(JSON.parse(path) as string[]), line, path)
})

test('parseJsonc() names the line of a mistake', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    '': /^line 1: the file ends here/,
    '{\n\n': /^line 3: expected a name/,
    '{\n"a" 1}': /^line 2: expected : after "a"/,
    '{\n"a": 1\n"b": 2}': /^line 3: expected , or \}/,
    '[1\n2]': /^line 2: expected , or \]/,
    '[,]': /^line 1: expected a value, got ","/,
    '{"a":1,\n"a":2}': /^line 2: "a" is given twice/,
    '{"__proto__": {}}': /^line 1: "__proto__"/,
    '\n\n/* never ends': /^line 3: this comment has no end/,
    '{}\n{}': /^line 2: nothing may follow/,
    '{"a": "x\ny"}': /^line 1: this text in quotes has no end/,
    '["\\x"]': /^line 1: this text in quotes/,
    "['a']": /^line 1: expected a value, got "'"/,
    '[undefined]': /^line 1: expected a value, got "u"/,
  }
  for (const [text, message] of Object.entries(cases))
    assert.throws(
      () => parseJsonc(text),
      (error: Error & { code: string }) => error.code === 'BAD_CONFIG' && message.test(error.message),
      text,
    )
})

test('parseJsonc() stays on its feet for nesting, comments and text without end', () => {
  assert.throws(() => parseJsonc('['.repeat(500_000)), /nested deeper than 16 levels/)
  assert.throws(() => parseJsonc('{"a":'.repeat(100_000)), /nested deeper than 16 levels/)
  assert.deepEqual(parseJsonc(`${'/**/'.repeat(250_000)}1`).value, 1)
  assert.deepEqual(parseJsonc(`${'//\n'.repeat(300_000)}1`).value, 1)
  const long = 'x\\n'.repeat(300_000)
  assert.deepEqual(parseJsonc(`["${long}"]`).value, [JSON.parse(`"${long}"`)])
  assert.throws(() => parseJsonc(`["${'x'.repeat(1_000_000)}`), /this text in quotes/)
})
