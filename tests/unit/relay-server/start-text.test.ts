/** What is printed at the start: who may join and why, and the picture for phones only where a phone can use it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generate } from 'lean-qr'
import { publicReason, renderQr, renderStart, type StartFacts } from '../../../relay-server/start-text.ts'

const FACTS: StartFacts = {
  url: 'http://dmesh.localhost:8421',
  peer: '12D3KooWpeer',
  isNew: true,
  lobby: true,
  lobbyChosen: false,
  reach: { listenHost: '127.0.0.1', trustProxy: [] },
  port: 8421,
  dataDir: '/data',
  page: true,
  terminal: { isTTY: true, columns: 80 },
}
const HALF_BLOCKS = /[▀▄█]/

test('renderStart shows no picture for this computer and says what phones need', () => {
  const text = renderStart(FACTS)
  assert.doesNotMatch(text, HALF_BLOCKS)
  assert.match(text, /Open +http:\/\/dmesh\.localhost:8421/)
  assert.match(text, /12D3KooWpeer \(new, made now\)/)
  assert.match(text, /--tls-cert cert\.pem --tls-key key\.pem/)
  assert.match(text, /--public-url https:/)
})

test('renderStart shows no picture for an address without https', () => {
  assert.doesNotMatch(renderStart({ ...FACTS, url: 'http://192.168.1.7:8421' }), HALF_BLOCKS)
  assert.doesNotMatch(renderStart({ ...FACTS, url: 'https://dmesh.localhost' }), HALF_BLOCKS)
})

test('renderStart shows a picture for https, and the URL alone where it does not fit', () => {
  const https = { ...FACTS, url: 'https://mesh.example' }
  assert.match(renderStart(https), HALF_BLOCKS)
  for (const terminal of [
    { isTTY: false, columns: 80 },
    { isTTY: true, columns: 20 },
  ]) {
    const text = renderStart({ ...https, terminal })
    assert.doesNotMatch(text, HALF_BLOCKS)
    assert.match(text, /Phones: open https:\/\/mesh\.example/)
  }
})

test('renderQr draws the modules of the code, two rows a line, with a quiet zone', () => {
  const text = 'https://mesh.example'
  const code = generate(text)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are what is removed
  const lines = (renderQr(text, { isTTY: true, columns: 80 }) ?? []).map((line) => line.replace(/\u001b\[[\d;]*m/g, '').slice(2))
  const dark = (x: number, y: number) => {
    const half = lines[Math.floor((y + 2) / 2)]?.[x + 2]
    return half === '█' || half === ((y + 2) % 2 === 0 ? '▀' : '▄')
  }
  for (let y = -2; y < code.size + 2; y++) for (let x = -2; x < code.size + 2; x++) assert.equal(dark(x, y), code.get(x, y), `${x},${y}`)
})

test('renderStart says why the lobby is on or off', () => {
  const line = (more: Partial<StartFacts>) => /Lobby +(.*)/.exec(renderStart({ ...FACTS, ...more }))?.[1] ?? ''
  assert.match(line({}), /^on, because 127\.0\.0\.1 cannot be reached from the internet/)
  assert.match(line({ lobby: false, reach: { listenHost: '0.0.0.0', trustProxy: [] } }), /^off, because 0\.0\.0\.0 may be reached.*--lobby$/)
  assert.match(line({ lobby: true, lobbyChosen: true }), /^on, because of --lobby/)
  assert.match(line({ lobby: false, lobbyChosen: true }), /^off, because of --no-lobby/)
})

test('renderStart says when the page is missing', () => {
  assert.match(renderStart({ ...FACTS, page: false }), /npm run build/)
})

test('publicReason trusts loopback and private addresses only, and no proxy', () => {
  const reason = (listenHost: string, more: object = {}) => publicReason({ listenHost, trustProxy: [], ...more })
  for (const near of [
    '127.0.0.1',
    '::1',
    'localhost',
    'dmesh.localhost',
    '10.1.2.3',
    '192.168.0.9',
    '172.16.0.1',
    '172.31.9.9',
    'fd00::1',
    'fe80::1',
    '100.64.0.1',
  ]) {
    assert.equal(reason(near), undefined, near)
  }
  for (const far of ['0.0.0.0', '::', '8.8.8.8', '172.32.0.1', '2001:db8::1', 'mesh.example', '100.128.0.1'])
    assert.match(reason(far) ?? '', /internet/, far)
  assert.match(reason('127.0.0.1', { publicUrl: 'https://mesh.example' }) ?? '', /public address/)
  assert.equal(reason('127.0.0.1', { publicUrl: 'http://192.168.1.7:8421' }), undefined)
  assert.match(reason('127.0.0.1', { trustProxy: ['127.0.0.1'] }) ?? '', /proxy/)
})
