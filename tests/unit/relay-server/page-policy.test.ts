/** What the front makes of a build: its name, and a Content-Security-Policy that stays short however many scripts there are (ADR 15). */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadDist } from '../../../relay-server/front/dist-files.ts'
import { BASE_HEADERS, pageHeaders } from '../../../relay-server/front/headers.ts'

test('all headers of the page fit into the 4 KiB that proxies reserve, however many scripts it has', () => {
  const scripts = Array.from({ length: 500 }, (_, at) => `/assets/some-quite-long-name-${at}-a1B2c3D4.js`)
  const host = { host: `${'long.'.repeat(20)}example`, port: 44_444, secure: true, kind: 'app' } as const
  const headers = { ...BASE_HEADERS, ...pageHeaders(host, [...scripts, '/mesh.worker.js', '/storage.worker.js', '/sw.js']) }
  const size = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
  assert.ok(size < 3_000, `${size} bytes`)
})

test('loadDist names the build as the build does itself, and notices every change otherwise', () => {
  const dist = mkdtempSync(join(tmpdir(), 'dmesh-dist-'))
  after(() => rmSync(dist, { recursive: true, force: true }))
  writeFileSync(join(dist, 'index.html'), '<!doctype html>')
  const first = loadDist(dist).build
  assert.match(first, /^[0-9a-f]{64}$/)
  writeFileSync(join(dist, 'extra.txt'), 'x')
  assert.notEqual(loadDist(dist).build, first)
  writeFileSync(join(dist, 'build.json'), '{"version":"1","hash":"00112233445566778899"}')
  assert.equal(loadDist(dist).build, '00112233445566778899')
})
