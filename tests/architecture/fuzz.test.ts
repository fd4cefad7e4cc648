/** docs/testing.md: every decoder of bytes from outside has a fuzz test that knows it, and no wire.ts is without a row. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import test from 'node:test'
import { root } from '../../tools/say.mjs'
import { listFiles } from '../../tools/source-files.mjs'

/** Types that pass between threads of one page: named in the page, without a row. */
const OWN_THREADS = ['src/transports/webrtc/wire.ts', 'src/storage/port-wire.ts']

const page = readFileSync(join(root, 'docs', 'testing.md'), 'utf8')
const paths = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('`tests/'))
  .map((line) => line.split('|'))
  .map(([, , decoders, tests]) => ({ decoders: paths(decoders), tests: paths(tests) }))

test('every row names files that are there, and tests that read the number of cases and import the decoder', () => {
  assert.ok(rows.length > 15)
  for (const { decoders, tests } of rows) {
    for (const path of [...decoders, ...tests]) assert.ok(existsSync(join(root, path)), path)
    const texts = tests.map((path) => readFileSync(join(root, path), 'utf8'))
    for (const [i, text] of texts.entries()) assert.match(text, /FUZZ_RUNS/, tests[i])
    for (const path of decoders)
      assert.ok(
        texts.some((text) => imports(text, path)),
        `${tests.join()} does not import ${path}`,
      )
  }
})

test('every wire.ts and protocol parser has a row', () => {
  const named = rows.flatMap(({ decoders }) => decoders)
  const wires = listFiles(root).filter((path) => /^(src|relay-server)\/.*(wire|frame|varint|protobuf|record)\.ts$/.test(path))
  assert.ok(wires.length > 10)
  assert.deepEqual(
    wires.filter((path) => !named.includes(path) && !OWN_THREADS.includes(path)),
    [],
    'decoders without a row in docs/testing.md',
  )
  for (const path of OWN_THREADS) assert.ok(page.includes(`\`${path}\``), path)
})

/** Directly, or through the file beside it that uses it: protobuf.ts by wire.ts, listener.node.ts by the node that listens. */
function imports(text: string, path: string): boolean {
  const beside: Readonly<Record<string, string>> = { 'protobuf.ts': 'wire.ts', 'listener.node.ts': 'nodes.ts' }
  return text.includes(`/${beside[basename(path)] ?? path}'`)
}
