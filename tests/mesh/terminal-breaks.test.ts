/** A send between terminal peers goes on where it was when the receiver, the sender or the relay is killed in the middle and started again. */
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

  /** It was taken up behind what the receiver had at the break, of which less than 4 MiB came again. */
  const wentOn = (sending: Running, there: number) => {
    const { sha256, resumedAt = 0 } = JSON.parse(sending.out()) as { sha256: string; resumedAt?: number }
    assert.equal(sha256, hash(source))
    assert.ok(resumedAt > 0 && there - resumedAt <= 4_194_304, `it went on at ${resumedAt}, ${there} bytes were there`)
  }

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
    const sending = start(ana, 'send', peer, source, '--json')
    await waitUntil(() => arrived() > 8_000_000, { ...LONG, what: `bytes to arrive: ${sending.err()} ${first.err()}` })
    await first.end('SIGKILL')
    const there = arrived()
    assert.ok(there < SIZE, 'it was killed in the middle')
    const second = receive()
    assert.equal(await sending.exit, 0, sending.err())
    assert.equal(await second.exit, 0, second.err())
    wentOn(sending, there)
    assert.equal(hash(join(dir, 'big.bin')), hash(source))
    assert.deepEqual(readdirSync(dir), ['big.bin'])
  })

  it('is whole although the sender was killed in the middle: the same command goes on with it', async () => {
    const dir = join(root, 'third')
    const receiving = start(ben, 'receive', '--accept', 'all', '--dir', dir, '--once')
    const first = start(ana, 'send', peer, source)
    await waitUntil(() => arrived() > 8_000_000, { ...LONG, what: `bytes to arrive: ${first.err()} ${receiving.err()}` })
    await first.end('SIGKILL')
    const there = arrived()
    assert.ok(there < SIZE, 'it was killed in the middle')
    const second = start(ana, 'send', peer, source, '--json')
    assert.equal(await second.exit, 0, second.err())
    assert.equal(await receiving.exit, 0, receiving.err())
    wentOn(second, there)
    assert.equal(hash(join(dir, 'big.bin')), hash(source))
  })

  it('goes on when both were killed', async () => {
    const dir = join(root, 'fourth')
    const receive = () => start(ben, 'receive', '--accept', 'all', '--dir', dir, '--once')
    const receiving = receive()
    const first = start(ana, 'send', peer, source)
    await waitUntil(() => arrived() > 8_000_000, { ...LONG, what: `bytes to arrive: ${first.err()} ${receiving.err()}` })
    await Promise.all([first.end('SIGKILL'), receiving.end('SIGKILL')])
    const there = arrived()
    assert.ok(there < SIZE, 'they were killed in the middle')
    const again = receive()
    const second = start(ana, 'send', peer, source, '--json')
    assert.equal(await second.exit, 0, second.err())
    assert.equal(await again.exit, 0, again.err())
    wentOn(second, there)
    assert.equal(hash(join(dir, 'big.bin')), hash(source))
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
