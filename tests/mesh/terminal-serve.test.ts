/** `dmesh serve` and `dmesh fetch` as processes: a folder of one computer on another, for whom it is allowed. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const root = mkdtempSync(join(tmpdir(), 'dmesh-serve-'))
const [ana, ben, site] = ['ana', 'ben', 'site'].map((name) => join(root, name)) as [string, string, string]
const RELAYED = { DMESH_TCP: 'off', DMESH_WEBRTC: 'off' }
const running: Running[] = []
const dmesh = (dir: string, ...args: string[]) => runCommand([...args, '--data-dir', dir], RELAYED)

/** Resolves with the address that is served. */
async function serving(...args: string[]): Promise<{ readonly url: string; readonly command: Running }> {
  const command = startCommand(['serve', site, ...args, '--data-dir', ana], RELAYED)
  running.push(command)
  const [url] = await waitUntil(() => /dmesh:\/\/\S+/.exec(command.out()), { ms: 20_000, what: `an address from ${args.join(' ')}` })
  return { url, command }
}

describe('serve and fetch', { timeout: 120_000 }, () => {
  let relay: RelayProcess
  const big = randomBytes(3_000_000)
  before(async () => {
    mkdirSync(join(site, 'texts'), { recursive: true })
    writeFileSync(join(site, 'texts', 'a b.txt'), 'hello from Ana\n')
    writeFileSync(join(site, 'big.bin'), big)
    relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
    for (const dir of [ana, ben]) assert.equal((await dmesh(dir, 'join', `http://127.0.0.1:${relay.port}`)).code, 0)
    const up = startCommand(['up', '--data-dir', ben], RELAYED)
    running.push(up)
    await waitUntil(() => /Ready/.test(up.out() + up.err()), { ms: 20_000, what: 'Ben' })
  })
  after(async () => {
    await Promise.all(running.map((command) => command.end('SIGKILL')))
    await relay.stop()
    rmSync(root, { recursive: true, force: true })
  })

  it('a folder that everybody may see is read from another computer: files, parts, lists, whole and verified', async () => {
    const { url, command } = await serving('--allow', 'mesh')
    const hello = await dmesh(ben, 'fetch', `${url}texts/a%20b.txt`)
    assert.deepEqual([hello.code, hello.out], [0, 'hello from Ana\n'], hello.err)
    assert.equal((await dmesh(ben, 'fetch', `${url}texts/a%20b.txt`, '--range', '0-4')).out, 'hello')
    assert.match((await dmesh(ben, 'fetch', `${url}texts/`)).out, /href="\.\/a%20b\.txt"/)
    const head = await dmesh(ben, 'fetch', `${url}texts/a%20b.txt`, '--include', '--method', 'HEAD')
    assert.match(head.out, /^HTTP\/1\.1 200\n[\s\S]*content-length: 15/i)
    const file = join(root, 'big.bin')
    assert.equal((await dmesh(ben, 'fetch', `${url}big.bin`, '--output', file)).code, 0)
    assert.equal(createHash('sha256').update(readFileSync(file)).digest('hex'), createHash('sha256').update(big).digest('hex'))
    const again = await dmesh(ben, 'fetch', `${url}big.bin`, '--output', file)
    assert.deepEqual([again.code, /is there already/.test(again.err)], [2, true])
    const none = await dmesh(ben, 'fetch', `${url}none`)
    assert.deepEqual([none.code, none.out], [1, 'There is nothing here.\n'])
    assert.equal((await dmesh(ben, 'fetch', url, '--data', 'x')).code, 1, '405')
    assert.match(command.err(), /GET \/texts\/a%20b\.txt 200/)
    assert.equal(await command.end(), 0, 'Ctrl-C is how it ends')
    const ended = await dmesh(ben, 'fetch', url, '--wait', '1s')
    assert.ok(ended.code === 5 || ended.code === 1, `${ended.code} ${ended.err}`)
  })

  it('without --allow strangers of a lobby get nothing; a PeerID that is named does; a name is a service of its own', async () => {
    const { url, command } = await serving()
    const refused = await dmesh(ben, 'fetch', url)
    assert.deepEqual([refused.code, refused.out], [6, ''], refused.err)
    await command.end()
    const peer = (JSON.parse((await dmesh(ben, 'id', '--json')).out) as { ID: string }).ID
    const named = await serving('--allow', peer, '--name', 'photos')
    assert.match(named.url, /-photos\/$/)
    assert.equal((await dmesh(ben, 'fetch', `${named.url}texts/a%20b.txt`)).out, 'hello from Ana\n')
    const main = await dmesh(ben, 'fetch', named.url.replace('-photos', ''))
    assert.equal(main.code, 1, main.err)
    await named.command.end()
  })

  it('what is no folder or no name is said', async () => {
    assert.match((await dmesh(ana, 'serve', join(site, 'none'))).err, /no folder/)
    assert.equal((await dmesh(ana, 'serve', site, '--name', 'Not Good')).code, 2)
    assert.equal((await dmesh(ben, 'fetch', 'nobody-here/x', '--wait', '1s')).code, 2)
  })
})
