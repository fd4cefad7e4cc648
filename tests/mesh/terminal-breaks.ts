/** What a send between terminals must survive, for a file of any size: a send between terminal peers goes on where it was when the receiver, the sender or the relay is killed in the middle and started again. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, createReadStream, existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, it } from 'node:test'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const MIB = 1024 * 1024

/** `mib` of each file; ms for what a machine with two busy cores may take. */
export function describeBreaks(mib: number, timeout: number): void {
  const SIZE = mib * MIB
  const LONG = { ms: timeout / 4 }

  describe(`a send of ${mib} MiB between terminals`, { timeout }, () => {
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
    const hash = async (path: string) => {
      const sum = createHash('sha256')
      await pipeline(createReadStream(path), sum)
      return sum.digest('hex')
    }
    let sha256: string

    /** It was taken up behind what the receiver had at the break, of which less than 4 MiB came again. */
    const wentOn = (sending: Running, there: number) => {
      const sent = JSON.parse(sending.out()) as { sha256: string; resumedAt?: number }
      assert.equal(sent.sha256, sha256)
      const { resumedAt = 0 } = sent
      assert.ok(resumedAt > 0 && there - resumedAt <= 4_194_304, `it went on at ${resumedAt}, ${there} bytes were there`)
    }

    before(async () => {
      relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
      writeRandom(source, mib)
      sha256 = await hash(source)
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
      await waitUntil(() => arrived() > SIZE / 8, { ...LONG, what: `bytes to arrive: ${sending.err()} ${first.err()}` })
      await first.end('SIGKILL')
      const there = arrived()
      assert.ok(there < SIZE, 'it was killed in the middle')
      const second = receive()
      assert.equal(await sending.exit, 0, sending.err())
      assert.equal(await second.exit, 0, second.err())
      wentOn(sending, there)
      assert.deepEqual(readdirSync(dir), ['big.bin'])
      assert.equal(await hash(join(dir, 'big.bin')), sha256)
      rmSync(dir, { recursive: true })
    })

    it('is whole although the sender was killed in the middle: the same command goes on with it', async () => {
      const dir = join(root, 'third')
      const receiving = start(ben, 'receive', '--accept', 'all', '--dir', dir, '--once')
      const first = start(ana, 'send', peer, source)
      await waitUntil(() => arrived() > SIZE / 8, { ...LONG, what: `bytes to arrive: ${first.err()} ${receiving.err()}` })
      await first.end('SIGKILL')
      const there = arrived()
      assert.ok(there < SIZE, 'it was killed in the middle')
      const second = start(ana, 'send', peer, source, '--json')
      assert.equal(await second.exit, 0, second.err())
      assert.equal(await receiving.exit, 0, receiving.err())
      wentOn(second, there)
      assert.equal(await hash(join(dir, 'big.bin')), sha256)
      rmSync(dir, { recursive: true })
    })

    it('goes on when both were killed', async () => {
      const dir = join(root, 'fourth')
      const receive = () => start(ben, 'receive', '--accept', 'all', '--dir', dir, '--once')
      const receiving = receive()
      const first = start(ana, 'send', peer, source)
      await waitUntil(() => arrived() > SIZE / 8, { ...LONG, what: `bytes to arrive: ${first.err()} ${receiving.err()}` })
      await Promise.all([first.end('SIGKILL'), receiving.end('SIGKILL')])
      const there = arrived()
      assert.ok(there < SIZE, 'they were killed in the middle')
      const again = receive()
      const second = start(ana, 'send', peer, source, '--json')
      assert.equal(await second.exit, 0, second.err())
      assert.equal(await again.exit, 0, again.err())
      wentOn(second, there)
      assert.equal(await hash(join(dir, 'big.bin')), sha256)
      rmSync(dir, { recursive: true })
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
      assert.equal(await hash(join(dir, 'big.bin')), sha256)
      rmSync(dir, { recursive: true })
    })
  })
}

function writeRandom(path: string, mib: number): void {
  const file = openSync(path, 'w')
  for (let i = 0; i < mib; i++) writeSync(file, randomBytes(MIB))
  closeSync(file)
}
