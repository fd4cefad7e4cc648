/** Two terminal peers on one network become direct over TCP, or over WebRTC where TCP is off, and then need no relay; with both off they do. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { isDialable, tcpAddress } from '../../src/transports/tcp/addresses.node.ts'
import { type RelayProcess, runCommand, startRelayProcess } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { waitUntil } from '../support/wait.ts'

const LONG = { ms: 30_000 }
const network = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .some(({ address, internal }) => !internal && isDialable(tcpAddress({ host: address, port: 1 })))

describe('two terminals on one network', { timeout: 120_000, skip: network ? false : 'this computer has no network but itself' }, () => {
  const root = mkdtempSync(join(tmpdir(), 'dmesh-direct-'))
  const source = join(root, 'big.bin')
  const running: Running[] = []
  let relay: RelayProcess | undefined
  writeFileSync(source, randomBytes(8_000_000))
  afterEach(async () => {
    await Promise.all(running.splice(0).map((command) => command.end('SIGKILL')))
    await relay?.stop('SIGKILL')
  })
  after(() => rmSync(root, { recursive: true, force: true }))

  /** Both up at a new relay; gives Ben's PeerID and how Ana asks. */
  async function startBoth(name: string, ...up: string[]) {
    relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
    const [ana, ben] = [join(root, `${name}-ana`), join(root, `${name}-ben`)]
    const peers: string[] = []
    for (const dir of [ana, ben]) {
      assert.equal((await runCommand(['join', `http://127.0.0.1:${relay.port}`, '--data-dir', dir])).code, 0)
      const peer = startCommand(['up', '--json', '--data-dir', dir, ...up])
      running.push(peer)
      peers.push((JSON.parse(await waitUntil(() => peer.out(), { ...LONG, what: `a peer: ${peer.err()}` })) as { peer: string }).peer)
    }
    const inbox = join(root, `${name}-inbox`)
    const receiving = startCommand(['receive', '--accept', 'all', '--dir', inbox, '--data-dir', ben])
    running.push(receiving)
    await waitUntil(() => receiving.err().includes('Waiting for files'), { ...LONG, what: 'the receiver' })
    return { peer: peers[1] as string, inbox, asAna: (...args: string[]) => runCommand([...args, '--data-dir', ana]) }
  }

  for (const [way, off] of [
    ['tcp', 'webrtc'],
    ['webrtc', 'tcp'],
  ] as const)
    it(`with --${off} off they are direct over ${way} within seconds, and a file goes although the relay is dead`, async () => {
      const { peer, inbox, asAna } = await startBoth(way, `--${off}`, 'off')
      const ping = await asAna('ping', peer, '--until-direct', '--count', '20', '--why')
      assert.equal(ping.code, 0, ping.out + ping.err)
      assert.match(ping.out, new RegExp(`direct over ${way} in [\\d.]+ ms\nnow direct; ways to this peer:\n {2}direct over ${way}: in use`))
      await relay?.stop('SIGKILL')
      const sent = await asAna('send', peer, source, '--wait', '10s')
      assert.equal(sent.code, 0, sent.err)
      const got = join(inbox, 'big.bin')
      await waitUntil(() => existsSync(got), { ...LONG, what: 'the file' })
      assert.deepEqual(readFileSync(got), readFileSync(source))
    })

  it('with both off they are relayed, and without the relay nothing goes', async () => {
    const { peer, inbox, asAna } = await startBoth('without', '--tcp', 'off', '--webrtc', 'off')
    const ping = await asAna('ping', peer, '--until-direct', '--count', '4')
    assert.deepEqual([ping.code, /reached, but never directly/.test(ping.err)], [5, true])
    await relay?.stop('SIGKILL')
    assert.equal((await asAna('send', peer, source, '--wait', '3s')).code, 5)
    assert.ok(!existsSync(join(inbox, 'big.bin')))
  })

  it('--tcp takes a port, says when it is taken, and when it is none', async () => {
    const server = createServer()
    const port = await new Promise<number>((done) => server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)))
    const dir = join(root, 'port')
    const taken = await runCommand(['up', '--tcp', `127.0.0.1:${port}`, '--data-dir', dir])
    assert.deepEqual([taken.code, /Choose another port with --tcp/.test(taken.err)], [4, true])
    await new Promise((done) => server.close(done))
    assert.equal((await runCommand(['up', '--tcp', 'home.example:1', '--data-dir', dir])).code, 2)
    const peer = startCommand(['up', '--tcp', `127.0.0.1:${port}`, '--data-dir', dir])
    running.push(peer)
    await waitUntil(() => peer.out().includes('Ready'), { ...LONG, what: `the peer: ${peer.err()}` })
    await new Promise<void>((done, fail) =>
      connect(port, '127.0.0.1')
        .once('error', fail)
        .once('connect', function (this: { destroy(): void }) {
          this.destroy()
          done()
        }),
    )
    assert.equal(await peer.end(), 0)
  })
})
