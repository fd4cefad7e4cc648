/** A folder goes from terminal to terminal as one offer, and comes out as it was beside one of the same name. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const FILES: Readonly<Record<string, string>> = { 'a.txt': 'hello', 'sub/deep/b.bin': 'b'.repeat(300_000), 'sub/Grüße 🎈.txt': '' }

describe('a folder between terminals', { timeout: 120_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'dmesh-folder-'))
  const [ana, ben, inbox] = [join(root, 'ana'), join(root, 'ben'), join(root, 'inbox')]
  const running: Running[] = []
  let relay: RelayProcess
  let peer: string
  const start = (dir: string, ...args: string[]) => {
    const command = startCommand([...args, '--data-dir', dir])
    running.push(command)
    return command
  }

  before(async () => {
    relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
    for (const dir of [ana, ben]) assert.equal((await runCommand(['join', `http://127.0.0.1:${relay.port}`, '--data-dir', dir])).code, 0)
    const there = start(ben, 'up', '--json')
    await waitUntil(() => there.out(), { ms: 30_000, what: 'the PeerID' })
    peer = (JSON.parse(there.out()) as { peer: string }).peer
    assert.equal(await there.end(), 0)
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(join(root, 'Photos', path, '..'), { recursive: true })
      writeFileSync(join(root, 'Photos', path), text)
    }
    symlinkSync('/etc/passwd', join(root, 'Photos', 'link'))
  })
  after(async () => {
    await Promise.all(running.map((command) => command.end('SIGKILL')))
    await relay.stop()
    rmSync(root, { recursive: true, force: true })
  })

  for (const [name, beside] of [
    ['Photos', ['Photos']],
    ['Photos (1)', ['Photos', 'Photos (1)']],
  ] as const) {
    it(`arrives as ${name}, without its links`, async () => {
      const receiving = start(ben, 'receive', '--accept', 'all', '--dir', inbox, '--once')
      const sending = start(ana, 'send', peer, join(root, 'Photos'))
      assert.equal(await sending.exit, 0, sending.err())
      assert.equal(await receiving.exit, 0, receiving.err())
      assert.deepEqual(readdirSync(inbox).sort(), beside)
      for (const [path, text] of Object.entries(FILES)) assert.equal(readFileSync(join(inbox, name, path), 'utf8'), text)
      assert.deepEqual(readdirSync(join(inbox, name)).sort(), ['a.txt', 'sub'])
    })
  }

  it('an empty folder is refused, with the reason', async () => {
    mkdirSync(join(root, 'Empty'))
    start(ben, 'receive', '--accept', 'all', '--dir', inbox)
    const sending = start(ana, 'send', peer, join(root, 'Empty'))
    assert.notEqual(await sending.exit, 0)
    assert.match(sending.err(), /holds no files/)
  })
})
