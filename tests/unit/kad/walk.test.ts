/** The walk, the table and the store of the DHT against whatever relays say: lies cost questions, of which there is a bound, and never an answer that is believed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareDistance, placeOfKey, placeOfPeer } from '../../../src/discovery/kad/distance.ts'
import type { Entry } from '../../../src/discovery/kad/entry.ts'
import { CLOSER, MAX_ASKED, MAX_FAILURES, MAX_RELAYS, MAX_RELAYS_PER_PREFIX, MAX_SKEW } from '../../../src/discovery/kad/limits.ts'
import { type Walk, walk } from '../../../src/discovery/kad/lookup.ts'
import { dialRule, isPrivateIp } from '../../../src/discovery/kad/reach.ts'
import { createEntryStore } from '../../../src/discovery/kad/store.ts'
import { createTable } from '../../../src/discovery/kad/table.ts'
import { type KadMessage, type KadPeer, TYPE } from '../../../src/discovery/kad/wire.ts'
import { namesOf } from '../../../src/identity/names.ts'
import { toUtf8 } from '../../../src/shared/bytes.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'

const peerOf = (n: number) => namesOf(Uint8Array.from({ length: 32 }, (_, i) => (i < 4 ? (n >> (8 * i)) & 255 : 9))).peerId
const relay = (n: number): KadPeer => ({ id: peerOf(n), addresses: [`/ip4/192.0.2.1/tcp/${n + 1}/ws`] })
const answer = (closer: readonly KadPeer[], value?: string): KadMessage => ({
  ...{ type: TYPE.get, key: toUtf8('k'), closer },
  ...(value ? { value: toUtf8(value) } : {}),
})

async function start(ask: Walk<string>['ask'], more: Partial<Walk<string>> = {}, signal = new AbortController().signal) {
  const asked: string[] = []
  const counting: Walk<string>['ask'] = (to, ...rest) => {
    asked.push(to.id)
    return ask(to, ...rest)
  }
  const take = async ({ value }: KadMessage) => (value && new TextDecoder().decode(value) === 'true' ? 'found' : undefined)
  const base = {
    me: peerOf(0),
    question: answer([]),
    place: await placeOfKey('k'),
    first: [],
    near: [],
    take,
    clock: systemClock(),
    log: silentLog(),
  }
  const walked = await walk({ ...base, ask: counting, ...more }, signal)
  return { ...walked, asked }
}

describe('a walk', () => {
  it('comes by those it knows to those it does not, and ends where something is found', async () => {
    const chain = async (to: KadPeer) => {
      const n = [1, 2, 3, 4].find((one) => peerOf(one) === to.id) ?? 0
      return [n === 4 ? answer([], 'true') : answer([relay(n + 1)])]
    }
    const { found, asked } = await start(chain, { near: [relay(1)] })
    assert.deepEqual([found, asked], [['found'], [1, 2, 3, 4].map(peerOf)])
  })

  it('asks all that were configured, however many invented ones are closer', async () => {
    const crowd = Array.from({ length: 200 }, (_, n) => relay(n + 100))
    const ask = async (to: KadPeer) => (to.id === peerOf(7) ? [answer([], 'true')] : [answer(crowd.slice(0, CLOSER))])
    const { found } = await start(ask, { first: [relay(5), relay(6), relay(7), relay(8)], near: crowd.slice(0, CLOSER) })
    assert.deepEqual(found, ['found'])
  })

  it('ends after so many questions, whatever new relays the answers name', async () => {
    let n = 1_000
    const { found, asked } = await start(async () => [answer(Array.from({ length: CLOSER }, () => relay(n++)))], { near: [relay(1)] })
    assert.deepEqual(found, [])
    assert.ok(asked.length <= MAX_ASKED, `${asked.length}`)
    assert.equal(new Set(asked).size, asked.length, 'one was asked twice')
  })

  it('never asks itself, and goes on after what is wrong or fails', async () => {
    const failed: string[] = []
    const ask = async (to: KadPeer) => {
      if (to.id === peerOf(1)) throw new MeshError('PEER_UNREACHABLE', 'nobody')
      if (to.id === peerOf(2)) return [answer([relay(0), relay(3)], 'a lie')]
      return [answer([], 'true')]
    }
    const heard = { answered: () => undefined, failed: (peer: string) => void failed.push(peer) }
    const { found, asked } = await start(ask, { first: [relay(1), relay(2)], heard })
    assert.deepEqual([found, failed, asked.includes(peerOf(0))], [['found'], [peerOf(1)], false])
  })

  it('takes true addresses beside false ones for the same relay', async () => {
    const wrong = { id: peerOf(3), addresses: ['/ip4/203.0.113.9/tcp/1/ws'] }
    const told: (readonly string[])[] = []
    const ask = async (to: KadPeer) => {
      if (to.id === peerOf(3)) told.push(to.addresses)
      return [answer(to.id === peerOf(1) ? [wrong] : [relay(3)])]
    }
    await start(ask, { first: [relay(1), relay(2)] })
    assert.deepEqual(told, [[...wrong.addresses, ...relay(3).addresses]])
  })

  it('ends with its signal', async () => {
    const stop = new AbortController()
    const walking = start(() => new Promise(() => stop.abort(new MeshError('ABORTED', 'enough'))), { near: [relay(1)] }, stop.signal)
    await assert.rejects(walking, (error) => codeOf(error) === 'ABORTED')
  })
})

describe('the table of relays', () => {
  it('keeps those that were configured, forgets others that do not answer, and gives the closest', async () => {
    const table = createTable(peerOf(0))
    await table.add(relay(1), '', true)
    for (const n of [0, 2, 3, 4]) await table.add(relay(n), 'a')
    for (let i = 0; i < MAX_FAILURES; i++) for (const n of [1, 2]) table.failed(peerOf(n))
    assert.deepEqual(table.fixed(), [relay(1)])
    const place = await placeOfKey('k')
    const places = new Map(await Promise.all([1, 3, 4].map(async (n) => [peerOf(n), await placeOfPeer(peerOf(n))] as const)))
    const sorted = [...places].sort(([, a], [, b]) => compareDistance(place, a, b)).map(([id]) => id)
    assert.deepEqual(
      table.closest(place, 9).map(({ id }) => id),
      sorted,
    )
  })

  it('has room for so many of one network, and in all', async () => {
    const table = createTable(peerOf(0))
    for (let n = 1; n < 100; n++) await table.add(relay(n), 'one')
    assert.equal(table.size(), MAX_RELAYS_PER_PREFIX)
    for (let n = 100; n < 600; n++) await table.add(relay(n), `net ${n % 50}`)
    assert.equal(table.size(), MAX_RELAYS)
    await table.add(relay(9_999), '', true)
    assert.equal(table.fixed().length, 1)
  })
})

describe('the store of entries', () => {
  const entry = (iat: number, exp = iat + 300): Entry => ({ s: 'sealed', iss: peerOf(1), iat, exp, box: 'x' })
  const code = (work: () => void) => {
    try {
      work()
      return 'ok'
    } catch (error) {
      return codeOf(error)
    }
  }

  it('keeps the newest until it runs out', () => {
    const store = createEntryStore()
    store.put('k', Uint8Array.of(2), entry(200), 'a', 200_000)
    assert.equal(
      code(() => store.put('k', Uint8Array.of(1), entry(100), 'a', 200_000)),
      'OLD_RECORD',
    )
    store.put('k', Uint8Array.of(3), entry(300), 'a', 300_000)
    assert.deepEqual(store.get('k', 300_000), Uint8Array.of(3))
    assert.equal(store.get('k', (600 + MAX_SKEW) * 1000 + 1), undefined)
  })

  it('is bounded, in all and by network; what ran out makes room', () => {
    const store = createEntryStore({ entries: 3, perPrefix: 2 })
    const put = (key: string, prefix: string, at = 100) => code(() => store.put(key, Uint8Array.of(1), entry(at), prefix, at * 1000))
    assert.deepEqual(
      [put('a', 'one'), put('b', 'one'), put('c', 'one'), put('c', 'two'), put('d', 'three'), put('a', 'one')],
      ['ok', 'ok', 'LIMIT_REACHED', 'ok', 'LIMIT_REACHED', 'ok'],
    )
    assert.equal(put('d', 'one', 1_000), 'ok')
    assert.equal(store.size(), 1)
  })
})

describe('what strangers told', () => {
  it('is dialled on our own network only where our own relay is there', () => {
    const inside = [
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.9.9',
      '192.168.1.1',
      '169.254.1.1',
      '100.64.0.1',
      '0.0.0.0',
      '::1',
      '::',
      'fd00::1',
      'fe80::1',
      '::ffff:10.0.0.1',
      '0:0:0:0:0:FFFF:10.0.0.1',
      'fe80::1%eth0',
      '::7f00:1',
    ]
    const outside = ['192.0.2.1', '172.32.0.1', '100.128.0.1', '2001:db8::1', '::ffff:192.0.2.1', 'localhost', 'relay.example', '']
    for (const ip of inside) assert.ok(isPrivateIp(ip), ip)
    for (const ip of outside) assert.ok(!isPrivateIp(ip), ip)
    const addresses = ['/ip4/192.168.1.1/tcp/80/ws', '/ip6/::1/tcp/80/ws', '/ip4/192.0.2.1/tcp/443/tls/ws', '/dns4/relay.example/tcp/443/tls/ws']
    assert.deepEqual(addresses.filter(dialRule(['https://relay.example', 'rubbish'])), addresses.slice(2))
    for (const near of ['http://dmesh.localhost:8421', 'http://localhost', 'https://192.168.1.5', 'http://[fd00::1]:8421'])
      assert.deepEqual(addresses.filter(dialRule([near])), addresses)
  })
})
