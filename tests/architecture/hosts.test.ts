/** No file of the repository names a host that serves packages or code for others: nothing here may depend on one, and no third party is ever contacted. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { root } from '../../tools/say.mjs'
import { listFiles } from '../../tools/source-files.mjs'

/** In two halves, so that this file does not name them either. */
const HOSTS = [
  ['registry.', 'npmjs.org'],
  ['registry.', 'yarnpkg.com'],
  ['registry.', 'npmmirror.com'],
  ['npm.', 'jsr.io'],
  ['pypi.', 'org'],
  ['files.', 'pythonhosted.org'],
  ['proxy.', 'golang.org'],
  ['static.', 'crates.io'],
  ['deb.', 'debian.org'],
  ['cdn.', 'jsdelivr.net'],
  ['cdnjs.', 'cloudflare.com'],
  ['unpkg', '.com'],
  ['esm', '.sh/'],
  ['fonts.', 'googleapis.com'],
  ['stun.', 'l.google.com'],
  ['stun.', 'cloudflare.com'],
].map((halves) => halves.join(''))

const findHosts = (text: string) => HOSTS.filter((host) => text.includes(host))

test('no file names a registry, a CDN or a public STUN server', () => {
  const found = listFiles(root).flatMap((path) => findHosts(readFileSync(join(root, path), 'latin1')).map((host) => `${path}: ${host}`))
  assert.deepEqual(found, [])
})

test('a named host is found', () => {
  assert.deepEqual(findHosts(`"resolved": "https://${HOSTS[0]}/ws/-/ws-8.tgz"`), [HOSTS[0]])
})
