/** The HTTP front as clients meet it: real sockets on port 0 against a built page in a temporary folder. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { loadDist } from '../../../relay-server/front/dist-files.ts'
import type { FrontOptions, SiteContext } from '../../../relay-server/front/options.ts'
import type { Remote } from '../../../relay-server/front/remote.ts'
import { type Front, startFront } from '../../../relay-server/front/server.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { waitUntil } from '../../support/wait.ts'

const dir = mkdtempSync(join(tmpdir(), 'dmesh-front-'))
const dist = join(dir, 'dist')
let front: Front
const [sites, upgrades]: [SiteContext[], Remote[]] = [[], []]
const SCRIPT = `export const text = '${'mesh '.repeat(1000)}'\n`

function options(more: Partial<FrontOptions> = {}): FrontOptions {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    trustProxy: [],
    files: loadDist(dist),
    site: (context) => {
      sites.push(context)
      return { v: 1 }
    },
    ready: () => true,
    onUpgrade: (_, socket, __, remote) => {
      upgrades.push(remote)
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
    },
    clock: systemClock(),
    log: silentLog(),
    ...more,
  }
}

before(async () => {
  mkdirSync(join(dist, 'assets'), { recursive: true })
  writeFileSync(join(dist, 'index.html'), '<!doctype html><title>DMesh</title>')
  writeFileSync(join(dist, 'sw.js'), 'self.x = 1')
  writeFileSync(join(dist, 'manifest.webmanifest'), '{}')
  writeFileSync(join(dist, 'assets', 'main-a1B2c3D4.js'), SCRIPT)
  writeFileSync(join(dir, 'secret.txt'), 'secret')
  symlinkSync(join(dir, 'secret.txt'), join(dist, 'link.txt'))
  front = await startFront(options())
})
after(async () => {
  await front.close()
  rmSync(dir, { recursive: true, force: true })
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

function ask(path: string, headers: Record<string, string> = {}, { port = front.port, method = 'GET', body = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, headers: { host: `dmesh.localhost:${port}`, ...headers }, agent: false },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Everything the server says to these bytes until it closes; `ms` from the last byte sent. */
function raw(text: string, port = front.port): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

test('the front serves the page with a policy that names where its scripts are and nothing else', async () => {
  const { status, headers, body } = await ask('/')
  assert.equal(status, 200)
  assert.match(String(body), /DMesh/)
  assert.equal(headers['content-type'], 'text/html; charset=utf-8')
  assert.equal(headers['cache-control'], 'no-cache')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['origin-agent-cluster'], '?1')
  assert.ok(headers['referrer-policy'] && headers['permissions-policy'])
  assert.equal(headers['set-cookie'], undefined)
  const policy = String(headers['content-security-policy'])
  const origin = `http://dmesh.localhost:${front.port}`
  assert.ok(policy.includes(`script-src ${origin}/assets/ ${origin}/sw.js 'wasm-unsafe-eval';`), policy)
  for (const part of ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), part)
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|script-src[^;]*'self'/)
})

test('the front lets hashed files be kept for ever and asks again for the others', async () => {
  const hashed = await ask('/assets/main-a1B2c3D4.js')
  assert.equal(hashed.headers['cache-control'], 'public, max-age=31536000, immutable')
  assert.equal(hashed.headers['content-type'], 'text/javascript; charset=utf-8')
  for (const path of ['/assets/', '/assets/other.js', '/assets/%2e%2e/p2p/x.js', '/assets/main-a1B2c3D4.js/x'])
    assert.equal(Math.floor((await ask(path)).status / 100), 4, `nothing but the build: ${path}`)
  for (const path of ['/sw.js', '/manifest.webmanifest', '/index.html']) assert.equal((await ask(path)).headers['cache-control'], 'no-cache', path)
  assert.equal((await ask('/manifest.webmanifest')).headers['content-type'], 'application/manifest+json; charset=utf-8')
})

test('the front answers 304 to a known tag and HEAD without a body', async () => {
  const { headers } = await ask('/')
  const again = await ask('/', { 'if-none-match': `"other", ${headers.etag}` })
  assert.equal(again.status, 304)
  assert.equal(again.body.length, 0)
  assert.equal((await ask('/', { 'if-none-match': '"other"' })).status, 200)
  const head = await ask('/', {}, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.body.length, 0)
  assert.ok(Number(head.headers['content-length']) > 0)
})

test('the front compresses as the client allows, with a tag of its own', async () => {
  const path = '/assets/main-a1B2c3D4.js'
  const plain = await ask(path)
  const gzip = await ask(path, { 'accept-encoding': 'gzip, br;q=0' })
  const brotli = await ask(path, { 'accept-encoding': 'gzip, br' })
  assert.equal(gzip.headers['content-encoding'], 'gzip')
  assert.equal(String(gunzipSync(gzip.body)), SCRIPT)
  assert.equal(brotli.headers['content-encoding'], 'br')
  assert.equal(String(brotliDecompressSync(brotli.body)), SCRIPT)
  assert.equal(String(plain.body), SCRIPT)
  assert.equal(new Set([plain.headers.etag, gzip.headers.etag, brotli.headers.etag]).size, 3)
  assert.equal(gzip.headers.vary, 'Accept-Encoding')
})

test('the front sends navigations on plain loopback to dmesh.localhost, and nothing else', async () => {
  for (const host of [`localhost:${front.port}`, `127.0.0.1:${front.port}`, `[::1]:${front.port}`]) {
    const { status, headers } = await ask('/?x=1', { host, 'sec-fetch-mode': 'navigate' })
    assert.equal(status, 307, host)
    assert.equal(headers.location, `http://dmesh.localhost:${front.port}/?x=1`)
  }
  const old = await ask('/', { host: `localhost:${front.port}`, accept: 'text/html,*/*' })
  assert.equal(old.status, 307)
  for (const path of ['/.well-known/dmesh.json', '/healthz', '/readyz']) {
    assert.equal((await ask(path, { host: `127.0.0.1:${front.port}`, accept: 'text/html' })).status, 200, path)
  }
})

test('the front refuses hosts it does not know, also for upgrades', async () => {
  for (const host of ['evil.example', 'dmesh.localhost.evil.example', '10.9.9.9', 'x.dmesh.localhost']) {
    assert.equal((await ask('/', { host })).status, 421, host)
  }
  assert.match(await raw('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 421 /)
  const upgrade = 'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  assert.match(await raw(upgrade), /^HTTP\/1.1 421 /)
})

test('the front answers to the host of --public-url', async () => {
  const own = await startFront(options({ publicUrl: 'https://mesh.example' }))
  after(() => own.close())
  assert.equal((await ask('/', { host: 'mesh.example' }, { port: own.port })).status, 200)
})

test('the front gives no file outside of the build', async () => {
  const targets = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/%00',
    '/%',
    '//etc/passwd',
    'http://evil.example/',
    '/link.txt',
    '/assets',
    '/assets/',
  ]
  for (const target of targets) {
    const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: dmesh.localhost\r\nConnection: close\r\n\r\n`)
    assert.match(answer, /^HTTP\/1.1 40[04] /, target)
    assert.doesNotMatch(answer, /secret\b|root:/, target)
  }
})

test('the front refuses what peers own on the app origin (design §7 b)', async () => {
  const navigate = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  for (const path of ['/p2p/12D3KooWx/http/', '/ipfs/bafy', '/ipns/name', '/p2p']) {
    const refused = await ask(path, navigate)
    assert.equal(refused.status, 403, path)
    assert.equal(refused.headers['content-security-policy'], "sandbox; default-src 'none'")
    assert.equal(refused.headers['content-disposition'], 'attachment')
  }
  for (const dest of ['script', 'worker', 'sharedworker', 'serviceworker', 'style', 'iframe', 'embed', 'object']) {
    assert.equal((await ask('/ipfs/bafy', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': dest })).status, 403, dest)
  }
  assert.equal((await ask('/ipfs/bafy', {}, { method: 'POST' })).status, 403)
  assert.equal((await ask('/ipfs/bafy', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' })).status, 404)
  assert.equal((await ask('/ipfs/bafy')).status, 404)
})

test('dmesh.json may be read from every origin and knows the host that was used', async () => {
  sites.length = 0
  const { status, headers } = await ask('/.well-known/dmesh.json', { host: '127.0.0.1:99', origin: 'https://other.example' })
  assert.equal(status, 200)
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.match(String(headers['cache-control']), /^max-age=\d{1,2}$/)
  assert.deepEqual(sites[0], { host: { host: '127.0.0.1', port: 99, secure: false, kind: 'local' }, localAddress: '127.0.0.1' })
  assert.equal((await ask('/.well-known/dmesh.json', {}, { method: 'OPTIONS' })).status, 204)
  const page = await ask('/')
  assert.equal(page.headers['access-control-allow-origin'], undefined)
})

test('the front says 503 while it starts and when the page was never built', async () => {
  const own = await startFront(options({ ready: () => false, files: loadDist(join(dir, 'absent')) }))
  after(() => own.close())
  const status = async (path: string) => (await ask(path, {}, { port: own.port })).status
  assert.deepEqual(
    [await status('/healthz'), await status('/readyz'), await status('/.well-known/dmesh.json'), await status('/')],
    [200, 503, 503, 503],
  )
})

test('the front takes no body and no other method', async () => {
  const { status, headers } = await ask('/', { 'content-length': '5' }, { method: 'POST', body: 'hello' })
  assert.equal(status, 405)
  assert.equal(headers.allow, 'GET, HEAD')
  assert.equal(headers.connection, 'close')
})

test('the front cuts a client whose headers do not end', async () => {
  const own = await startFront(options({ headersTimeout: 200 }))
  after(() => own.close())
  const started = performance.now()
  const answer = await raw('GET / HTTP/1.1\r\nHost: dmesh.localhost\r\nX-Slow: ', own.port)
  assert.match(answer, /^HTTP\/1.1 408 /)
  assert.ok(performance.now() - started < 5_000)
  await waitUntil(() => own.stats().sockets === 0, { what: 'the slow socket to go' })
})

test('the front answers too large headers with 431 and clears cookies', async () => {
  const answer = await raw(`GET / HTTP/1.1\r\nHost: dmesh.localhost\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.match(answer, /^HTTP\/1.1 431 /)
  assert.match(answer, /Clear-Site-Data: "cookies"/)
})

test('the front answers nonsense with 400', async () => {
  assert.match(await raw('\x16\x03\x01nonsense\r\n\r\n'), /^HTTP\/1.1 400 /)
})

const UPGRADE = (extra = '') => `GET / HTTP/1.1\r\nHost: dmesh.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${extra}\r\n`

test('the front hands upgrades over and ignores forwarding headers of strangers', async () => {
  upgrades.length = 0
  assert.match(await raw(UPGRADE('X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\n')), /^HTTP\/1.1 101 /)
  assert.deepEqual([upgrades[0]?.address, upgrades[0]?.secure], ['127.0.0.1', false])
})

test('the front believes a trusted proxy', async () => {
  const own = await startFront(options({ trustProxy: ['127.0.0.0/8', '10.0.0.1'], publicUrl: 'https://mesh.example' }))
  after(() => own.close())
  upgrades.length = 0
  await raw(UPGRADE('X-Forwarded-For: 1.1.1.1, 8.8.8.8, 10.0.0.1\r\nX-Forwarded-Proto: https\r\n'), own.port)
  assert.deepEqual(upgrades[0], { address: '8.8.8.8', port: 0, secure: true })
  sites.length = 0
  await ask('/.well-known/dmesh.json', { host: 'mesh.example', 'x-forwarded-proto': 'https' }, { port: own.port })
  assert.deepEqual(sites[0]?.host, { host: 'mesh.example', port: 443, secure: true, kind: 'app' })
})

test('startFront says in a sentence that the port is taken', async () => {
  await assert.rejects(startFront(options({ listen: { host: '127.0.0.1', port: front.port } })), (error) => {
    assert.ok(error instanceof MeshError)
    assert.equal(error.code, 'PORT_IN_USE')
    assert.match(error.message, new RegExp(`^Another program listens on 127.0.0.1:${front.port}\\. Choose another port with --listen`))
    return true
  })
})

test('stopAccepting refuses new connections', async () => {
  const own = await startFront(options())
  own.stopAccepting()
  await assert.rejects(ask('/healthz', {}, { port: own.port }), /ECONNREFUSED/)
  await own.close()
})
