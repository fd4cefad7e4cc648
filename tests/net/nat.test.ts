/** The networks that the other tests stand on are what they say, seen with our own STUN responder: which address and port a router shows, per destination. Real namespaces and nft NAT. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { whyNoNetwork } from '../support/netns.ts'
import { createInternet, type Home, type Internet, type Nat, SERVER_V4, SERVER_V6 } from '../support/netns-internet.ts'
import { askProgram, startProgram } from '../support/netns-programs.ts'

const SERVERS = [`${SERVER_V4}:3478`, `${SERVER_V4}:3479`]
const SERVERS_6 = [`[${SERVER_V6}]:3478`, `[${SERVER_V6}]:3479`]

describe('routers between namespaces', { skip: whyNoNetwork() }, () => {
  let internet: Internet
  let home: Home
  const ask = (...servers: readonly string[]) => askProgram<(string | null)[]>(home.client, 'netns-stun.ts', servers)

  before(async () => {
    internet = await createInternet()
    home = await internet.home({ nat: 'easy', v6: true })
    await startProgram(internet.server, 'netns-stun-server.ts', [...SERVERS, ...SERVERS_6])
  })
  after(() => internet?.close())

  for (const nat of ['easy', 'open'] satisfies Nat[]) {
    test(`${nat}: every server sees the router's address and the same port`, async () => {
      await home.setNat(nat)
      const [first, second] = await ask(...SERVERS)
      assert.match(String(first), new RegExp(`^${home.outside}:\\d+$`))
      assert.equal(first, second)
    })
  }

  test('symmetric: every server sees another port', async () => {
    await home.setNat('symmetric')
    const [first, second] = await ask(...SERVERS)
    assert.match(String(first), new RegExp(`^${home.outside}:\\d+$`))
    assert.match(String(second), new RegExp(`^${home.outside}:\\d+$`))
    assert.notEqual(first, second)
  })

  test('no-udp: no answer, while TCP goes through', async () => {
    await home.setNat('no-udp')
    assert.deepEqual(await ask(SERVERS[0] as string), [null])
    const refused = await home.client.exec(
      process.execPath,
      '-e',
      `require('net').connect(1, '${SERVER_V4}').on('error', (error) => process.stdout.write(error.code))`,
    )
    assert.equal(refused, 'ECONNREFUSED')
  })

  test('IPv6 has no NAT: a server sees the address of the client itself', async () => {
    await home.setNat('easy')
    const [first, second] = await ask(...SERVERS_6)
    assert.ok(first?.startsWith(`[${home.address6}]:`), String(first))
    assert.equal(first, second)
  })
})
