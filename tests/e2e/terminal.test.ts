/** A page and a terminal are peers of one mesh: the invite of either works in the other, and files and messages go both ways. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Mesh } from '../../src/core/mesh.ts'
import type { MeshInfo } from '../../src/core/meshes.ts'
import { type Person, startPerson } from '../support/people.ts'
import { runCommand } from '../support/relay-process.ts'
import { type Running, startCommand } from '../support/terminal-process.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const LONG = { ms: 30_000 }
const SIZE = 3_000_000

describe('a page and a terminal', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'dmesh-terminal-'))
  const dir = join(folder, 'ben')
  const running: Running[] = []
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let ana: Person
  const dmeshOf = (...args: string[]) => runCommand([...args, '--data-dir', dir])
  const start = (...args: string[]) => {
    const command = startCommand([...args, '--data-dir', dir])
    running.push(command)
    return command
  }
  const says = (command: Running, pattern: RegExp) =>
    waitUntil(() => pattern.exec(command.out() + command.err()), { ...LONG, what: `${pattern} of ${command.out()}${command.err()}` })
  const terminalAt = async (mesh: string) =>
    waitUntil(async () => (await ana.state()).peers.find(({ name, meshes, path }) => name === 'Ben' && path !== 'away' && meshes.includes(mesh)), {
      ...LONG,
      what: 'the page to see the terminal',
    })
  before(async () => {
    relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off'] })
    ana = await startPerson({ url: relay.url, name: 'Ana' })
    await waitUntil(async () => (await ana.state()).relays.some(({ status }) => status === 'reserved'), { ...LONG, what: 'Ana at the relay' })
    assert.equal((await dmeshOf('name', 'Ben')).code, 0)
  })
  after(async () => {
    await Promise.all(running.map((command) => command.end('SIGKILL')))
    await ana?.close()
    await relay?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  it('the invite of a page works in a terminal, with the address that the page has', async () => {
    const { id, link } = await ana.page.evaluate(async () => {
      const { meshes } = dmesh as unknown as Mesh
      const mesh = await meshes.create('Home')
      return { id: mesh, link: (await meshes.invite(mesh)).link }
    })
    assert.match(link, /^http:\/\/dmesh\.localhost:/)
    const { code, out, err } = await dmeshOf('join', link)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^In Home as member, with 1 other\./)
    const up = start('up')
    await says(up, /Ready/)
    const peer = await terminalAt(id)
    assert.equal(peer.kind, 'cli')
  })

  it('files and messages go both ways, by name, and are verified', async () => {
    const source = join(folder, 'report.bin')
    writeFileSync(source, randomBytes(SIZE))
    const hash = createHash('sha256').update(readFileSync(source)).digest('hex')
    const sending = start('send', 'Ana', source, '--json')
    const offer = await waitUntil(
      async () => (await ana.state()).transfers.find(({ status, direction }) => status === 'offered' && direction === 'in'),
      {
        ...LONG,
        what: `the offer: ${sending.err()}`,
      },
    )
    assert.equal(offer.name, 'report.bin')
    await ana.page.evaluate((id) => (dmesh as unknown as Mesh).files.accept(id), offer.id)
    assert.equal(await sending.exit, 0, sending.err())
    assert.equal((JSON.parse(sending.out()) as { sha256: string }).sha256, hash)
    const receiving = start('receive', '--accept', 'Ana', '--dir', folder, '--once', '--json')
    const there = await ana.page.evaluate(
      async ([id]) => {
        const mesh = dmesh as unknown as Mesh
        const peer = mesh.peers.find(({ name }) => name === 'Ben')?.id ?? ''
        await mesh.send(peer, 'chat', 'hello from a page')
        return mesh.files.offer(peer, await mesh.files.open(id as string), { name: 'back.bin' })
      },
      [offer.id],
    )
    assert.equal(await receiving.exit, 0, receiving.err())
    assert.equal((JSON.parse(receiving.out()) as { sha256: string }).sha256, hash)
    assert.equal(
      createHash('sha256')
        .update(readFileSync(join(folder, 'back.bin')))
        .digest('hex'),
      hash,
    )
    await waitUntil(async () => (await ana.state()).transfers.find(({ id }) => id === there)?.sha256 === hash, { ...LONG, what: 'the page to know' })
    const talk = start('chat', 'Ana')
    await says(talk, /Ana: hello from a page/)
    talk.type('hello from a terminal')
    await says(talk, /delivered: hello from a terminal/)
    assert.ok((await ana.state()).messages.some(({ text }) => text === 'hello from a terminal'))
    assert.equal(await talk.end(), 0)
  })

  it('the invite of a terminal works in a page', async () => {
    const { mesh } = JSON.parse((await dmeshOf('meshes', 'create', 'Garden', '--json')).out) as { mesh: string }
    const { link } = JSON.parse((await dmeshOf('invite', '--mesh', 'Garden', '--json')).out) as { link: string }
    await ana.page.goto('about:blank')
    await ana.page.goto(link)
    await ana.page.waitForSelector('dialog dl')
    assert.match((await ana.page.textContent('dialog')) ?? '', /Ben invites you to Garden/)
    await ana.page.click('dialog .primary')
    await waitUntil(async () => (await ana.state()).meshes.some(({ id, status }) => id === mesh && status === 'joined'), {
      ...LONG,
      what: 'Ana to be in',
    })
    const garden = (JSON.parse((await dmeshOf('meshes', '--json')).out) as MeshInfo[]).find(({ id }) => id === mesh)
    assert.deepEqual(garden?.members.map(({ name, role }) => `${name} ${role}`).sort(), ['Ana member', 'Ben owner'])
    assert.equal((await terminalAt(mesh)).name, 'Ben')
  })

  it('they are direct over WebRTC, and then a file needs no relay', async () => {
    const ping = await dmeshOf('ping', 'Ana', '--until-direct', '--count', '30', '--why')
    assert.equal(ping.code, 0, ping.out + ping.err)
    assert.match(ping.out, /direct over webrtc in [\d.]+ ms\nnow direct/)
    await waitUntil(
      async () => (await ana.state()).peers.some(({ name, path, transport }) => name === 'Ben' && path === 'direct' && transport === 'webrtc'),
      {
        ...LONG,
        what: 'the page to say so',
      },
    )
    await relay.close(0)
    const source = join(folder, 'without-relay.bin')
    writeFileSync(source, randomBytes(SIZE))
    const sending = start('send', 'Ana', source)
    const offer = await waitUntil(
      async () => (await ana.state()).transfers.find(({ name, status }) => name === 'without-relay.bin' && status === 'offered'),
      {
        ...LONG,
        what: `the offer: ${sending.err()}`,
      },
    )
    await ana.page.evaluate((id) => (dmesh as unknown as Mesh).files.accept(id), offer.id)
    assert.equal(await sending.exit, 0, sending.err())
  })
})
