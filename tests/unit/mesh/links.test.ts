/** Links by peer: what is asked of one peer looks at that peer's links alone, however many others there are; and opening, closing and measuring keep the books. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { createLinks } from '../../../src/mesh/links.ts'
import type { Swarm } from '../../../src/mesh/swarm.ts'
import { systemClock } from '../../../src/shared/clock.ts'

function setUp() {
  const libp2p = Object.assign(new EventTarget(), { peerStore: { delete: async () => undefined } })
  const links = createLinks({ libp2p } as unknown as Swarm, systemClock(), new AbortController().signal)
  const looks = { status: 0 }
  const connection = (id: string, peer: string) =>
    ({
      id,
      remotePeer: { toString: () => peer },
      remoteAddr: { toString: () => '/ip4/127.0.0.1/tcp/1/ws' },
      get status() {
        looks.status++
        return 'open'
      },
    }) as unknown as Connection
  const tell = (type: 'connection:open' | 'connection:close', detail: Connection) => void libp2p.dispatchEvent(new CustomEvent(type, { detail }))
  return { links, looks, connection, tell }
}

describe('links', () => {
  it('best() of each of 2,000 peers looks at 2,000 links, not at four million', () => {
    const { links, looks, connection, tell } = setUp()
    for (let i = 0; i < 2_000; i++) tell('connection:open', connection(`c${i}`, `p${i}`))
    for (const peer of links.peers()) assert.equal(links.best(peer)?.connection.remotePeer.toString(), peer)
    assert.ok(looks.status <= 3 * 2_000, `${looks.status} looks`)
  })

  it('a peer is there until its last link closes, with what was measured', () => {
    const { links, connection, tell } = setUp()
    const [one, two] = [connection('1', 'ana'), connection('2', 'ana')]
    tell('connection:open', one)
    tell('connection:open', two)
    tell('connection:open', connection('3', 'ben'))
    links.setRtt(one, 9)
    links.setRtt(two, 5)
    assert.deepEqual(
      links.of('ana').map(({ path }) => [path.id, path.rtt]),
      [
        ['2', 5],
        ['1', 9],
      ],
    )
    tell('connection:close', two)
    assert.deepEqual([links.peers(), links.of('ana').length, links.all().length], [['ana', 'ben'], 1, 2])
    tell('connection:close', one)
    assert.deepEqual([links.peers(), links.best('ana'), links.all().length], [['ben'], undefined, 1])
  })
})
