/** Two members of a private mesh on a LAN, a namespace each, with no relay at all: with --mdns they find each other and a message arrives, without it nothing does. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createNetwork, type Network, type Space, whyNoNetwork } from '../support/netns.ts'
import { cleanEnv, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const CLI = resolve(import.meta.dirname, '../../relay-server/cli.ts')
const LONG = { ms: 30_000 }

describe('two terminals on a LAN without a relay', { skip: whyNoNetwork(), timeout: 180_000 }, () => {
  const root = mkdtempSync(join(tmpdir(), 'dmesh-lan-'))
  const [ana, ben] = [join(root, 'ana'), join(root, 'ben')]
  const running: ChildProcess[] = []
  let network: Network
  let spaces: readonly [Space, Space]

  before(async () => {
    network = await createNetwork()
    spaces = [await network.space('ana'), await network.space('ben')]
    await network.cable(spaces[0], 'eth0', spaces[1], 'eth0')
    for (const [i, space] of spaces.entries()) await space.ip(`addr add 10.79.0.${i + 1}/24 dev eth0`)
    await becomeMembers()
  })
  after(async () => {
    await endAll()
    await network?.close()
    rmSync(root, { recursive: true, force: true })
  })

  /** Over a relay that is gone afterwards. */
  async function becomeMembers(): Promise<void> {
    const relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
    try {
      const at = `http://127.0.0.1:${relay.port}`
      assert.equal((await runCommand(['join', at, '--data-dir', ana])).code, 0)
      assert.equal((await runCommand(['meshes', 'create', 'Home', '--data-dir', ana])).code, 0)
      const inviting = startCommand(['invite', '--wait', '60s', '--data-dir', ana])
      const link = await waitUntil(() => /https?:\S+#\S+/.exec(inviting.out())?.[0], { ...LONG, what: `a link: ${inviting.err()}` })
      const joined = await runCommand(['join', link, '--data-dir', ben])
      assert.equal(joined.code, 0, joined.err)
      assert.equal(await inviting.exit, 0, inviting.err())
    } finally {
      await relay.stop('SIGKILL')
    }
  }

  async function endAll(): Promise<void> {
    for (const child of running.splice(0)) {
      const ended = once(child, 'close')
      child.kill('SIGINT')
      await ended
    }
  }

  /** Both up, each on its side of the cable; gives Ben's PeerID. */
  async function bothUp(...more: string[]): Promise<string> {
    const peers: string[] = []
    for (const [i, dir] of [ana, ben].entries()) {
      const child = (spaces[i] as Space).spawn(process.execPath, [CLI, 'up', '--json', '--data-dir', dir, ...more], { env: cleanEnv() })
      running.push(child)
      let out = ''
      child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
      child.stderr?.resume()
      const line = await waitUntil(() => /\{.*\}/.exec(out)?.[0], { ...LONG, what: 'a peer' })
      peers.push((JSON.parse(line) as { peer: string }).peer)
    }
    return peers[1] as string
  }

  test('without --mdns nothing arrives', async () => {
    const peer = await bothUp()
    const sent = await runCommand(['send', peer, '--text', 'lost', '--wait', '5s', '--data-dir', ana])
    assert.equal(sent.code, 5, sent.out + sent.err)
    await endAll()
  })

  test('with --mdns they find each other, and a message arrives', async () => {
    const peer = await bothUp('--mdns')
    const sent = await runCommand(['send', peer, '--text', 'found', '--wait', '20s', '--data-dir', ana])
    assert.equal(sent.code, 0, sent.out + sent.err)
    const ping = await runCommand(['ping', peer, '--count', '1', '--data-dir', ana])
    assert.match(ping.out, /direct over tcp/)
    await endAll()
  })
})
