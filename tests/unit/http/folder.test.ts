/** A served folder: what is in it, in which version and part, and nothing beside it. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { openDiskTree } from '../../../relay-server/peer/disk-tree.ts'
import { createFolderHandler } from '../../../src/protocols/http/folder.ts'
import { MIN_COMPRESS } from '../../../src/protocols/http/limits.ts'
import { codeOf } from '../../../src/shared/errors.ts'

const root = mkdtempSync(join(tmpdir(), 'dmesh-folder-'))
after(() => rmSync(root, { recursive: true, force: true }))
const dir = join(root, 'site')
const put = (path: string, content: string | Uint8Array) => {
  mkdirSync(join(dir, path, '..'), { recursive: true })
  writeFileSync(join(dir, path), content)
}
writeFileSync(join(root, 'secret.txt'), 'outside')
put('a.txt', 'abcdefghij')
put('page/index.html', '<p>index')
put('list/<b>&"x".txt', 'odd')
put('list/ü 10.txt', 'ten')
put('list/ü 9.txt', 'nine')
put('list/.hidden', 'hidden')
put('.git/config', 'hidden')
put('.well-known/found.json', '{}')
put('long.txt', 'x'.repeat(MIN_COMPRESS * 4))
put('picture.png', new Uint8Array(MIN_COMPRESS * 4))
symlinkSync(join(root, 'secret.txt'), join(dir, 'out.txt'))
symlinkSync(root, join(dir, 'up'))
symlinkSync(join(dir, 'a.txt'), join(dir, 'inside.txt'))
utimesSync(join(dir, 'a.txt'), 1_700_000_000.5, 1_700_000_000.5)

const handler = createFolderHandler(await openDiskTree(dir))
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  Promise.resolve(handler.fetch(new Request(`http://peer.p2p${path}`, { method, headers }), { peer: 'somebody' }))
const text = async (path: string, headers?: Record<string, string>) => (await ask(path, headers)).text()

describe('a served folder', () => {
  it('gives files with their types and lengths', async () => {
    const response = await ask('/a.txt')
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.equal(response.headers.get('content-length'), '10')
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(await response.text(), 'abcdefghij')
    assert.equal(await text('/inside.txt'), 'abcdefghij')
    assert.equal(await text('/.well-known/found.json'), '{}')
    assert.equal((await ask('/a.txt', {}, 'HEAD')).headers.get('content-length'), '10')
  })

  it('answers 404 for what is not in it, is hidden, or is led to by a link out of it', async () => {
    for (const path of ['/none', '/out.txt', '/up/', '/up/secret.txt', '/.git/config', '/list/.hidden', '/a.txt/', '/a.txt/b'])
      assert.equal((await ask(path)).status, 404, path)
  })

  it('answers 400 or 404 for what is no path, and never a file outside', async () => {
    for (const path of [
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/..%5csecret.txt',
      '/list/..%2f..%2fsecret.txt',
      '/a.txt%00',
      '/%',
      '/%ff',
      `/${'a/'.repeat(100)}`,
      '//etc/passwd',
      '/..;/secret.txt',
    ]) {
      const response = await ask(path)
      assert.ok(response.status === 400 || response.status === 404, `${path}: ${response.status}`)
    }
  })

  it('shows index.html, or a list in which names are text', async () => {
    assert.equal(await text('/page/'), '<p>index')
    const moved = await ask('/page?x=1')
    assert.deepEqual([moved.status, moved.headers.get('location')], [308, './page/?x=1'])
    const list = await ask('/list/')
    assert.match(String(list.headers.get('content-security-policy')), /default-src 'none'/)
    const page = await list.text()
    assert.match(page, /href="\.\/%3Cb%3E%26%22x%22\.txt">&#60;b&#62;&#38;&#34;x&#34;\.txt</)
    assert.ok(page.indexOf('ü 9') < page.indexOf('ü 10'), 'numbers in order')
    assert.doesNotMatch(page, /<b>|hidden/)
    assert.match(await text('/'), /Up|page\//)
  })

  it('sends the part that is asked for, of the version that is meant', async () => {
    const first = await ask('/a.txt')
    const [tag, date] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? '']
    for (const [range, part, said] of [
      ['bytes=2-4', 'cde', 'bytes 2-4/10'],
      ['bytes=7-', 'hij', 'bytes 7-9/10'],
      ['bytes=-2', 'ij', 'bytes 8-9/10'],
      ['bytes=0-99', 'abcdefghij', 'bytes 0-9/10'],
    ]) {
      const response = await ask('/a.txt', { range: range ?? '' })
      assert.deepEqual([response.status, response.headers.get('content-range'), await response.text()], [206, said, part], range)
    }
    for (const range of ['bytes=10-', 'bytes=-0']) assert.equal((await ask('/a.txt', { range })).status, 416, range)
    for (const range of ['bytes=4-2', 'bytes=0-1,3-4', 'bytes=-', 'lines=1-2', 'bytes=a-b'])
      assert.equal((await ask('/a.txt', { range })).status, 200, range)
    assert.equal((await ask('/a.txt', { range: 'bytes=0-1', 'if-range': tag })).status, 206)
    assert.equal((await ask('/a.txt', { range: 'bytes=0-1', 'if-range': date })).status, 206)
    for (const other of ['"other"', `W/${tag}`, new Date(0).toUTCString()])
      assert.equal((await ask('/a.txt', { range: 'bytes=0-1', 'if-range': other })).status, 200, other)
    const same: Record<string, string>[] = [
      { 'if-none-match': tag },
      { 'if-none-match': `"x", W/${tag}` },
      { 'if-none-match': '*' },
      { 'if-modified-since': date },
    ]
    for (const condition of same) assert.equal((await ask('/a.txt', condition)).status, 304)
    assert.equal((await ask('/a.txt', { 'if-none-match': '"x"', 'if-modified-since': date })).status, 200, 'a tag is the better condition')
    put('changes.txt', 'one')
    const before = (await ask('/changes.txt')).headers.get('etag')
    put('changes.txt', 'three')
    assert.notEqual((await ask('/changes.txt')).headers.get('etag'), before)
  })

  it('compresses text for who takes it', async () => {
    const packed = await ask('/long.txt', { 'accept-encoding': 'br, gzip' })
    assert.equal(packed.headers.get('content-encoding'), 'gzip')
    assert.match(String(packed.headers.get('etag')), /^W\//)
    assert.equal(gunzipSync(new Uint8Array(await packed.arrayBuffer())).length, MIN_COMPRESS * 4)
    for (const [path, accept] of [
      ['/long.txt', 'br'],
      ['/long.txt', 'gzip;q=0'],
      ['/a.txt', 'gzip'],
      ['/picture.png', 'gzip'],
    ] as const) {
      assert.equal((await ask(path, { 'accept-encoding': accept })).headers.get('content-encoding'), null, `${path} ${accept}`)
    }
    assert.equal((await ask('/long.txt', { 'accept-encoding': 'gzip', range: 'bytes=0-9' })).headers.get('content-encoding'), null)
  })

  it('refuses other methods, and a folder that is none', async () => {
    const response = await ask('/a.txt', {}, 'POST')
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'])
    for (const path of [join(dir, 'a.txt'), join(dir, 'none')])
      await assert.rejects(openDiskTree(path), (error) => codeOf(error) === 'SOURCE_CHANGED')
  })
})
