/** A send between terminal peers goes on when the receiver is killed in the middle and started again, and when the relay restarts. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const SIZE = 64 * 1024 * 1024
const LONG = { ms: 60_000 }

describe('a send between terminals', { timeout: 300_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'dmesh-terminal-'))
  const [ana, ben] = [join(root, 'ana'), join(root, 'ben')]
  const source = join(root, 'big.bin')
  const running: Running[] = []
  let relay: RelayProcess
  let peer: string
  const start = (dir: string, ...args: string[]) => {
    const command = startCommand([...args, '--data-dir', dir])
    running.push(command)
    return command
  }
  /** Bytes of the largest file that Ben has not in full yet. */
  const arrived = () => {
    const dir = join(ben, 'files')
    return existsSync(dir) ? Math.max(0, ...readdirSync(dir).map((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0)) : 0
  }
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

  before(async () => {
    relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
    writeFileSync(source, randomBytes(SIZE))
    const origin = `http://127.0.0.1:${relay.port}`
    for (const dir of [ana, ben]) assert.equal((await runCommand(['join', origin, '--data-dir', dir])).code, 0)
    const there = start(ben, 'up', '--json')
    await waitUntil(() => there.out(), { ...LONG, what: 'the PeerID' })
    peer = (JSON.parse(there.out()) as { peer: string }).peer
    assert.equal(await there.end(), 0)
  })
  after(async () => {
    await Promise.all(running.map((command) => command.end('SIGKILL')))
    await relay.stop()
    rmSync(root, { recursive: true, force: true })
  })

  it('is whole although the receiver was killed in the middle', async () => {
    const dir = join(root, 'inbox')
    const receive = () => start(ben, 'receive', '--accept', 'all', '--dir', dir, '--once')
    const first = receive()
    const sending = start(ana, 'send', peer, source)
    await waitUntil(() => arrived() > 1_000_000, { ...LONG, what: `bytes to arrive: ${sending.err()} ${first.err()}` })
    await first.end('SIGKILL')
    assert.ok(arrived() < SIZE, 'it was killed in the middle')
    const second = receive()
    assert.equal(await sending.exit, 0, sending.err())
    assert.equal(await second.exit, 0, second.err())
    assert.match(sending.err(), /broke off .*trying again|^$/)
    assert.match(sending.out(), new RegExp(`sha256 ${hash(source)}`))
    assert.equal(hash(join(dir, 'big.bin')), hash(source))
    assert.deepEqual(readdirSync(dir), ['big.bin'])
  })

  it('goes on when the process that ran the sending peer ends, and another command takes over', async () => {
    const dir = join(root, 'second')
    const up = start(ana, 'up')
    await waitUntil(() => up.out().includes('Ready'), { ...LONG, what: 'the peer' })
    const receiving = start(ben, 'receive', '--accept', 'all', '--dir', dir, '--once')
    const sending = start(ana, 'send', peer, source)
    await waitUntil(() => arrived() > 1_000_000, { ...LONG, what: `bytes to arrive: ${sending.err()} ${receiving.err()}` })
    assert.equal(await up.end('SIGTERM'), 0)
    assert.ok(arrived() < SIZE, 'it ended in the middle')
    assert.equal(await sending.exit, 0, sending.err())
    assert.equal(await receiving.exit, 0, receiving.err())
    assert.equal(hash(join(dir, 'big.bin')), hash(source))
  })
})
