/** Terminal peers as real processes, each with a data directory of its own, and one real relay; no browser: join, invite, files, chat, who is reached how. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { MeshInfo } from '../../src/core/meshes.ts'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const LONG = { ms: 20_000 }

const root = mkdtempSync(join(tmpdir(), 'dmesh-terminal-'))
const [ana, ben, cleo] = ['ana', 'ben', 'cleo'].map((name) => join(root, name)) as [string, string, string]
const running: Running[] = []

/** By relay only, whatever networks this computer has. */
const RELAYED = { DMESH_TCP: 'off', DMESH_WEBRTC: 'off' }

const dmesh = (dir: string, ...args: string[]) => runCommand([...args, '--data-dir', dir], RELAYED)

function start(dir: string, ...args: string[]): Running {
  const command = startCommand([...args, '--data-dir', dir], RELAYED)
  running.push(command)
  return command
}

function says(command: Running, pattern: RegExp) {
  return waitUntil(() => pattern.exec(command.out() + command.err()), { ...LONG, what: `${pattern} of ${command.out()}${command.err()}` })
}

const peerOf = async (dir: string) => JSON.parse((await dmesh(dir, 'id', '--json')).out).ID as string

/** The PeerID of a directory that no process runs in now. */
async function peerOfNew(dir: string): Promise<string> {
  const command = start(dir, 'up')
  await says(command, /Ready/)
  const peer = await peerOf(dir)
  assert.equal(await command.end(), 0)
  return peer
}

describe('terminal peers', { timeout: 300_000 }, () => {
  let relay: RelayProcess
  let origin: string
  let home: string

  before(async () => {
    relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
    origin = `http://127.0.0.1:${relay.port}`
  })
  after(async () => {
    await Promise.all(running.map((command) => command.end('SIGKILL')))
    await relay.stop()
    rmSync(root, { recursive: true, force: true })
  })

  it('join takes the address that the relay prints, and keeps key and stores to their owner', async () => {
    const { code, out, err } = await dmesh(ana, 'join', `${relay.url}/#/here`)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^In the lobby of /)
    const mode = (path: string) => statSync(path).mode & 0o777
    assert.deepEqual([mode(ana), mode(join(ana, 'identity.json')), mode(join(ana, 'records.sqlite'))], [0o700, 0o600, 0o600])
    assert.equal((await dmesh(ben, 'join', origin)).code, 0)
    assert.match((await dmesh(ben, 'relays')).out, new RegExp(`^${origin}  reserved`))
    assert.equal((await dmesh(ana, 'name', 'Ana')).code, 0)
    assert.equal((await dmesh(ben, 'name', 'Ben')).code, 0)
    assert.equal((await dmesh(ben, 'name')).out, 'Ben\n')
  })

  it('a link that is none, or is damaged, gives its code and leaves nothing behind', async () => {
    const codes = async (link: string) => {
      const { code, err } = await dmesh(cleo, 'join', link, '--json')
      return [code, (JSON.parse(err) as { error: { code: string } }).error.code]
    }
    assert.deepEqual(await codes('nonsense'), [2, 'BAD_ARGUMENT'])
    assert.deepEqual(await codes(`${origin}/#join=aaa.bbb.ccc.${'d'.repeat(43)}`), [7, 'INVITE_INVALID'])
    assert.deepEqual(await codes('http://127.0.0.1:9'), [5, 'RELAY_UNREACHABLE'])
    assert.equal((await dmesh(cleo, 'relays')).out, 'No relay. Give it one: dmesh join https://relay.example\n')
    const lonely = await dmesh(cleo, 'send', await peerOfNew(cleo), '--text', 'x')
    assert.equal(lonely.code, 2)
    const { code, err } = await dmesh(cleo, 'meshes', 'create', 'Mine')
    assert.deepEqual([code, /knows no relay yet/.test(err)], [5, true])
  })

  it('up serves the other commands, one at a time has the directory, and Ctrl-C ends it', async () => {
    const up = start(ana, 'up')
    await says(up, /Ready/)
    const status = JSON.parse((await dmesh(ana, 'status', '--json')).out) as Record<string, unknown>
    assert.deepEqual([status.pid, status.kind, status.name], [up.child.pid, 'cli', 'Ana'])
    const second = await dmesh(ana, 'up')
    assert.deepEqual([second.code, new RegExp(`Another peer \\(process ${up.child.pid}\\) uses`).test(second.err)], [2, true])
    const asRelay = await runCommand(['relay', '--listen', '127.0.0.1:0', '--data-dir', ben])
    assert.deepEqual([asRelay.code, /belongs to a terminal peer/.test(asRelay.err)], [2, true])
    const asPeer = await dmesh(relay.dataDir, 'up')
    assert.deepEqual([asPeer.code, /belongs to a relay/.test(asPeer.err)], [2, true])
  })

  it('create, invite, join by a link on standard input, and nobody twice by it', async () => {
    home = (JSON.parse((await dmesh(ana, 'meshes', 'create', 'Home', '--json')).out) as { mesh: string }).mesh
    const invited = await dmesh(ana, 'invite', '--qr', '--expiry', '1h')
    const link = invited.out.trim().split('\n').at(-1) ?? ''
    assert.match(link, /^http.*#join=/)
    assert.match(invited.out, /█▀▀▀▀▀█/)
    const joining = start(ben, 'join', '-')
    joining.type(link)
    joining.child.stdin.end()
    assert.equal(await joining.exit, 0, joining.err())
    assert.match(joining.out(), /^In Home as member, with 1 other\./)
    const [mesh] = JSON.parse((await dmesh(ben, 'meshes', '--json')).out) as MeshInfo[]
    assert.deepEqual(
      [mesh?.id, mesh?.status, mesh?.members.map(({ name, role }) => `${name} ${role}`)],
      [home, 'joined', ['Ana owner', 'Ben member']],
    )
    const late = await dmesh(cleo, 'join', link, '--json')
    assert.deepEqual([late.code, /INVITE_USED/.test(late.err)], [7, true])
  })

  it('a file goes by name, is verified, and overwrites nothing', async () => {
    const dir = join(root, 'inbox')
    mkdirSync(dir)
    writeFileSync(join(dir, 'report.txt'), 'mine')
    const source = join(root, 'report.txt')
    writeFileSync(source, 'x'.repeat(3_000_000))
    const receiving = start(ben, 'receive', '--accept', 'Ana', '--dir', dir, '--once', '--json')
    const { code, out, err } = await dmesh(ana, 'send', 'Ben', source, '--json')
    assert.equal(code, 0, err)
    assert.match(err, /^"Ben" is your name for 12D3\w+ from now on/, 'the first use of a member’s name')
    assert.equal(await receiving.exit, 0, receiving.err())
    const [sent, got] = [JSON.parse(out), JSON.parse(receiving.out())] as Record<string, unknown>[]
    assert.deepEqual([got?.path, got?.size, got?.sha256], [join(dir, 'report (1).txt'), 3_000_000, sent?.sha256])
    assert.equal(readFileSync(join(dir, 'report.txt'), 'utf8'), 'mine')
    assert.equal(readFileSync(join(dir, 'report (1).txt'), 'utf8'), readFileSync(source, 'utf8'))
    assert.deepEqual(readdirSync(join(ben, 'files')), [], 'what was moved out is not kept twice')
  })

  it('a command without a running peer is one for others: they attach to it', async () => {
    const receiving = start(ben, 'receive', '--accept', 'all', '--dir', join(root, 'piped'))
    await says(receiving, /Waiting for files/)
    assert.equal((JSON.parse((await dmesh(ben, 'status', '--json')).out) as { pid: number }).pid, receiving.child.pid)
    const piping = start(ana, 'send', 'Ben', '-', '--name', '.profile')
    piping.child.stdin.end('from a pipe')
    assert.equal(await piping.exit, 0, piping.err())
    await says(receiving, /profile .* from Ana {2}sha256/)
    assert.deepEqual(readdirSync(join(root, 'piped')), ['profile'])
    assert.deepEqual(readdirSync(join(ana, 'spool')), [])
    assert.equal(await receiving.end(), 0)
  })

  it('an offer that is declined, and a wait that is interrupted, have their exit codes', async () => {
    const receiving = start(ben, 'receive', '--accept', await peerOfNew(cleo), '--dir', root)
    await says(receiving, /Waiting for files/)
    assert.equal((await dmesh(ana, 'send', 'Ben', join(root, 'report.txt'))).code, 6)
    assert.equal(await receiving.end('SIGTERM'), 0)
    const waiting = start(ana, 'send', 'Ben', join(root, 'report.txt'))
    await waitUntil(async () => (await dmesh(ana, 'peers')).out.includes('Ben  away'), { ...LONG, what: 'Ben to be away' })
    assert.equal(await waiting.end(), 130)
    assert.equal((await dmesh(ana, 'send', 'Ben', join(root, 'nothing'))).code, 2)
    const late = await dmesh(ana, 'send', 'Ben', join(root, 'report.txt'), '--wait', '1s')
    assert.deepEqual([late.code, /Ben, who is not here/.test(late.err)], [5, true])
  })

  it('receive --accept ask takes what is answered with y, and nothing else', async () => {
    const dir = join(root, 'asked')
    const receiving = start(ben, 'receive', '--accept', 'ask', '--dir', dir, '--once')
    for (const [answer, code] of [
      ['', 6],
      ['no', 6],
      ['y', 0],
    ] as const) {
      const asked = receiving.err().length
      const sending = start(ana, 'send', 'Ben', join(root, 'report.txt'))
      await waitUntil(() => /Ana offers report\.txt \(3\.0 MB\)\. Take it\? \[y\/N\]/.test(receiving.err().slice(asked)), {
        ...LONG,
        what: 'the question',
      })
      receiving.type(answer)
      assert.equal(await sending.exit, code, sending.err())
    }
    assert.equal(await receiving.exit, 0, receiving.err())
    assert.deepEqual(readdirSync(dir), ['report.txt'])
  })

  it('chat carries lines both ways and says what was delivered and read', async () => {
    const [left, right] = [start(ana, 'chat', 'Ben'), start(ben, 'chat', 'Ana')]
    left.type('good \u001b[31mmorning')
    await says(right, /^\d\d:\d\d Ana: good \[31mmorning$/m)
    right.type('and to you')
    await says(left, /^\d\d:\d\d Ben: and to you$/m)
    await says(left, /^ {2}read: good/m)
    left.child.stdin.end()
    right.child.stdin.end()
    assert.deepEqual(await Promise.all([left.exit, right.exit]), [0, 0])
    assert.equal((await dmesh(ana, 'send', 'Ben', '--text', 'later', '--wait', '0')).out, 'kept until the peer is here\n')
    const back = start(ben, 'chat', 'Ana')
    await says(back, /Ana: later/)
    assert.equal(await back.end(), 0)
  })

  it('ping --why, map, peers and top say how the other is reached', async () => {
    const there = start(ben, 'up')
    await says(there, /Ready/)
    await waitUntil(async () => /Ben {2}relayed/.test((await dmesh(ana, 'peers')).out), { ...LONG, what: 'Ben to be here' })
    const tried = /direct over webrtc .*: failed\n {4}NOT_SUPPORTED/
    const why = () => dmesh(ana, 'ping', 'Ben', '--why')
    const { out } = await waitUntil(async () => [await why()].find((answer) => answer.code === 0 && tried.test(answer.out)), {
      ...LONG,
      what: 'the attempt',
    })
    assert.match(out, /^pong from 12D3\w+ relayed over websocket in [\d.]+ ms\nnow relayed; ways to this peer:\n {2}relayed by .*: in use/)
    let drawn = ''
    const map = /^Ana \(this one\)\n[├└]─ by relay .*\n[│ ] {2}└─ Ben/
    await waitUntil(async () => map.test((drawn = (await dmesh(ana, 'map')).out)), { ...LONG, what: 'Ben on the map' }).catch((error: Error) =>
      assert.fail(`${error.message}: ${drawn}`),
    )
    const top = await dmesh(ana, 'top', '--count', '2', '--interval', '0.1s')
    assert.equal(top.out.trim().split('\n').length, 2)
    assert.match(top.out, /^status=relayed .*peers=1 /)
    assert.equal(await there.end(), 0)
  })

  it('a name that several have is refused with all of them, and so is one that is only claimed', async () => {
    await dmesh(cleo, 'join', origin)
    await dmesh(cleo, 'name', 'Dora')
    const there = start(cleo, 'up')
    await says(there, /Ready/)
    await waitUntil(async () => (await dmesh(ana, 'peers')).out.includes('Dora'), { ...LONG, what: 'Dora to be seen' })
    const peer = await peerOf(cleo)
    const claimed = await dmesh(ana, 'send', 'Dora', '--text', 'x')
    assert.deepEqual([claimed.code, claimed.err.includes(`dmesh name PEERID "Dora"`), claimed.err.includes(peer)], [2, true, true])
    await dmesh(ana, 'name', peer, 'dora')
    assert.equal((await dmesh(ana, 'send', 'Dora', '--text', 'x')).out, 'delivered\n')
    const [other = ''] = /12D3\w+(?= {2}Ben)/.exec((await dmesh(ana, 'peers')).out) ?? []
    await dmesh(ana, 'name', other, 'Dora ')
    await dmesh(ana, 'name', peer, 'Dora')
    const twice = await dmesh(ana, 'send', 'Dora', '--text', 'x')
    assert.deepEqual([twice.code, twice.err.includes(peer), twice.err.includes(other)], [2, true, true])
    await dmesh(ana, 'name', other, '')
    assert.equal(await there.end(), 0)
  })

  it('publish reaches who subscribed', async () => {
    const listening = start(ben, 'subscribe', 'weather', '--count', '1')
    await says(listening, /listening to weather/)
    await waitUntil(
      async () => {
        await dmesh(ana, 'publish', 'weather', 'rain')
        return listening.out().includes('rain')
      },
      { ...LONG, what: 'the message' },
    )
    assert.equal(await listening.exit, 0)
    assert.equal(listening.out(), 'Ana: rain\n')
  })

  it('leave ends it', async () => {
    assert.equal((await dmesh(ben, 'leave', 'home')).out, 'Left Home.\n')
    assert.match((await dmesh(ben, 'meshes')).out, /^In no private mesh/)
  })
})
