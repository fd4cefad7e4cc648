/** A relay on this computer by its name under localhost, as its page and its invites call it, from Node.js: its dmesh.json, its WebSocket. The system's resolver need not know the name. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { terminalRelaySource } from '../../relay-server/peer/relay-origin.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { isLocalName, lookup } from '../../src/shared/local-names.node.ts'
import { startTestMesh } from '../support/test-mesh.ts'
import { startTestRelay } from '../support/test-relay.ts'

const looked = (host: string, options: object) =>
  new Promise((resolve, reject) =>
    lookup(host, options, (error, address, family) => (error ? reject(error) : resolve(family ? [address, family] : address))),
  )

describe('names under localhost', () => {
  it('are loopback, in the family that is asked for; no other name is', async () => {
    for (const name of ['localhost', 'dmesh.localhost', 'a.b.LOCALHOST', 'dmesh.localhost.']) {
      assert.ok(isLocalName(name), name)
      assert.deepEqual(await looked(name, { all: true }), [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ])
      assert.deepEqual(await looked(name, { family: 6 }), ['::1', 6])
      assert.deepEqual(await looked(name, { family: 4 }), ['127.0.0.1', 4])
    }
    for (const name of ['localhost.example', 'notlocalhost', '.localhost.example', 'localhost-', '127.0.0.1']) assert.ok(!isLocalName(name), name)
    assert.deepEqual(await looked('192.0.2.7', { family: 4 }), ['192.0.2.7', 4])
  })

  it('of a server on ::1 alone is reached too', async () => {
    const server = createServer((_, response) => response.writeHead(404).end())
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
    try {
      const source = terminalRelaySource(`http://dmesh.localhost:${(server.address() as AddressInfo).port}`)
      await assert.rejects(source.resolve(AbortSignal.timeout(5_000)), (error: Error) => error.message.endsWith('answered 404'))
    } finally {
      server.close()
    }
  })
})

describe('a relay by its name under localhost', () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  before(async () => {
    relay = await startTestRelay()
  })
  after(() => relay.end())

  it('gives its dmesh.json', async () => {
    assert.match(relay.url, /^http:\/\/dmesh\.localhost:/)
    const site = await terminalRelaySource(relay.url).resolve(AbortSignal.timeout(5_000))
    assert.equal(site.peer, relay.peer)
    assert.ok(site.addresses.some((address) => address.startsWith('/dns4/dmesh.localhost/')))
  })

  it('is dialled by that name', async () => {
    const { mesh, close } = await startTestMesh(() => [relay.peer])
    try {
      await mesh.connect(`/dns4/dmesh.localhost/tcp/${relay.port}/ws/p2p/${relay.peer}`)
      assert.ok((await mesh.ping(relay.peer)) < 5_000)
    } finally {
      await close()
    }
  })

  it('that does not answer is told as such', async () => {
    await assert.rejects(
      terminalRelaySource('http://dmesh.localhost:1').resolve(AbortSignal.timeout(5_000)),
      (error) => codeOf(error) === 'RELAY_UNREACHABLE',
    )
  })
})
