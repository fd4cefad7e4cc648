/** Pub/sub between real peers: over a third that passes on, over a real relay, sealed to a private mesh, and what is dropped on the way. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Publication } from '../../src/core/mesh.ts'
import type { MeshSeal } from '../../src/core/pubsub.ts'
import type { MeshHost } from '../../src/mesh/parts.ts'
import { createPubsub } from '../../src/protocols/pubsub/protocol.ts'
import { concat, fromUtf8 } from '../../src/shared/bytes.ts'
import { codeOf } from '../../src/shared/errors.ts'
import { startTestMesh, type TestMesh, type TestMeshOptions } from '../support/test-mesh.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

const MS = 15_000
const PRIVATE = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'

/** Collects what a mesh hears on a topic. */
async function listen(mesh: MeshHost, topic: string, options: { mesh?: string; signal?: AbortSignal } = {}): Promise<readonly string[]> {
  const heard: string[] = []
  await mesh.subscribe(topic, ({ peer, data }: Publication) => void heard.push(`${peer.slice(-4)} ${fromUtf8(data)}`), options)
  return heard
}

const from = (mesh: MeshHost, text: string) => `${mesh.peer.slice(-4)} ${text}`

/** Publishes `text 0`, `text 1` … until it is heard, since nobody can know when the way is there. Returns the number that was heard first. */
async function until(heard: readonly string[], send: (text: string) => Promise<void>, text: string): Promise<void> {
  let next = 0
  let sent = 0
  await waitUntil(
    async () => {
      if (heard.some((line) => line.includes(`${text} `))) return true
      if (performance.now() - sent < 300) return false
      sent = performance.now()
      await send(`${text} ${next++}`)
      return false
    },
    { ms: MS, what: `"${text}" to be heard` },
  )
}

/** Two that are linked to a hub and to nobody else. */
async function withHub(
  work: (hub: TestMesh, a: TestMesh, b: TestMesh) => Promise<void>,
  options: (name: 'hub' | 'a' | 'b') => TestMeshOptions = () => ({}),
) {
  const ids: string[] = []
  const start = (name: 'hub' | 'a' | 'b') => startTestMesh(() => ids, options(name))
  const hub = await startTestMesh(() => ids, withPubsub({ forward: true }, options('hub')))
  const [a, b] = [await start('a'), await start('b')]
  ids.push(hub.mesh.peer, a.mesh.peer, b.mesh.peer)
  await a.mesh.connect(hub.address)
  await b.mesh.connect(hub.address)
  try {
    await work(hub, a, b)
    assert.ok(!a.mesh.peers.some(({ id, path }) => id === b.mesh.peer && path !== 'away'), 'a and b are still linked only to the hub')
  } finally {
    await Promise.all([a.close(), b.close(), hub.close()])
  }
}

function withPubsub(pubsub: Parameters<typeof createPubsub>[0], options: TestMeshOptions = {}): TestMeshOptions {
  return { pubsub: createPubsub(pubsub), ...options }
}

describe('pub/sub', { timeout: 120_000 }, () => {
  it('two peers that are linked only to a third hear each other through it, once each, by author', () =>
    withHub(async (hub, a, b) => {
      const [heardA, heardB] = [await listen(a.mesh, 'news'), await listen(b.mesh, 'news')]
      await until(heardB, (text) => a.mesh.publish('news', text), 'hello')
      await until(heardA, (text) => b.mesh.publish('news', text), 'and you')
      for (let i = 0; i < 20; i++) await a.mesh.publish('news', `n${i} .`)
      await waitUntil(() => heardB.some((line) => line.includes('n19 ')), { ms: MS, what: 'the last one' })
      assert.equal(new Set(heardB).size, heardB.length, 'each once')
      assert.ok(heardB.every((line) => line.startsWith(from(a.mesh, '').trim())))
      assert.ok(
        heardA.every((line) => !line.includes('hello')),
        'nobody hears himself',
      )
      assert.equal(hub.mesh.state.messages.length, 0)
    }))

  it('a late subscriber hears what comes from then on and nothing of before; after its signal nothing more', () =>
    withHub(async (_, a, b) => {
      const early = await listen(a.mesh, 'late')
      await b.mesh.publish('late', 'before 0')
      await until(early, (text) => b.mesh.publish('late', text), 'warm')
      const stop = new AbortController()
      const late = await listen(a.mesh, 'late', { signal: stop.signal })
      await b.mesh.publish('late', 'after 1')
      await waitUntil(() => late.length > 0, { ms: MS, what: 'what came after' })
      assert.deepEqual([...late], [from(b.mesh, 'after 1')])
      stop.abort()
      await b.mesh.publish('late', 'after 2')
      await waitUntil(() => early.some((line) => line.endsWith('after 2')), { ms: MS, what: 'the other listener to hear it' })
      assert.equal(late.length, 1)
    }))

  it('topics, sizes and meshes that are not mine are refused with a code', () =>
    withHub(async (_, a) => {
      const code = (work: Promise<unknown>) => work.then(() => 'nothing', codeOf)
      assert.equal(await code(a.mesh.publish('', 'x')), 'BAD_ARGUMENT')
      assert.equal(await code(a.mesh.publish('x'.repeat(65), 'x')), 'BAD_ARGUMENT')
      assert.equal(await code(a.mesh.publish('big', new Uint8Array(64 * 1024 + 1))), 'BAD_ARGUMENT')
      assert.equal(await code(a.mesh.publish('x', 'x', { mesh: PRIVATE })), 'ACCESS_DENIED')
      assert.equal(await code(listen(a.mesh, 'x', { mesh: PRIVATE })), 'ACCESS_DENIED')
      for (let i = 0; i < 64; i++) await listen(a.mesh, `t${i}`)
      assert.equal(await code(listen(a.mesh, 't64')), 'LIMIT_REACHED')
      await listen(a.mesh, 't63')
    }))

  it('64 KiB arrive as they were', () =>
    withHub(async (_, a, b) => {
      const heard = await listen(b.mesh, 'big')
      await until(heard, (text) => a.mesh.publish('big', text), 'warm')
      const got: Uint8Array[] = []
      await b.mesh.subscribe('big', ({ data }) => void got.push(data))
      const sent = crypto.getRandomValues(new Uint8Array(64 * 1024))
      await a.mesh.publish('big', sent)
      await waitUntil(() => got.length > 0, { ms: MS, what: 'the bytes' })
      assert.deepEqual(got[0], sent)
    }))

  it('a peer that the policy of the hub refuses neither speaks nor hears there', async () => {
    await withHub(async (hub, a, b) => {
      const heardA = await listen(a.mesh, 'closed')
      const heardB = await listen(b.mesh, 'closed')
      await until(heardB, (text) => a.mesh.publish('closed', text), 'open')
      await hub.mesh.policy.put({ id: 'no-a', who: [`peer:${a.mesh.peer}`], may: ['pubsub'], effect: 'deny', label: 'no' })
      await a.mesh.publish('closed', 'refused 1')
      await b.mesh.publish('closed', 'still 1')
      const other = await listen(hub.mesh, 'closed')
      await until(other, (text) => b.mesh.publish('closed', text), 'hub')
      assert.ok(![...heardB, ...other].some((line) => line.includes('refused')), 'what it published stays with it')
      assert.ok(![...heardA].some((line) => /still|hub/.test(line)), 'and it hears nothing')
    })
  })
})

/** AES-GCM by one key, as a mesh's read key. */
async function readKey(): Promise<MeshSeal> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  return {
    async seal(plain) {
      const iv = crypto.getRandomValues(new Uint8Array(12))
      return concat([iv, new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain))])
    },
    open: async (sealed) => new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.slice(0, 12) }, key, sealed.slice(12))),
  }
}

describe('pub/sub of a private mesh', { timeout: 120_000 }, () => {
  it('members hear each other; the hub sees neither topic nor text; what others sign, put elsewhere or send again late is dropped', async () => {
    const seal = await readKey()
    const sealed: Uint8Array[] = []
    let late = 0
    const spy: MeshSeal = {
      async seal(plain) {
        const bytes = await seal.seal(plain)
        sealed.push(bytes)
        return bytes
      },
      open: seal.open,
    }
    const member = (key: MeshSeal) => ({ sealFor: async (mesh: string) => (mesh === PRIVATE ? key : undefined) })
    // What anybody on the way can do with what it saw: sign it again as its own.
    const thief: MeshSeal = { seal: async () => sealed[0] as never, open: () => Promise.reject(new Error('no key')) }
    await withHub(
      async (hub, a, b) => {
        const heard = await listen(b.mesh, 'plans', { mesh: PRIVATE })
        const other = await listen(b.mesh, 'other', { mesh: PRIVATE })
        const lobby = await listen(b.mesh, 'plans')
        await until(heard, (text) => a.mesh.publish('plans', text, { mesh: PRIVATE }), 'secret')
        assert.ok(sealed.length > 0 && sealed.every((bytes) => !fromUtf8(bytes)?.includes('secret')))
        const before = heard.length
        await hub.mesh.publish('plans', 'stolen', { mesh: PRIVATE })
        late = 6 * 60_000
        await a.mesh.publish('plans', 'stale 1', { mesh: PRIVATE })
        late = 0
        await a.mesh.publish('plans', 'fresh 1', { mesh: PRIVATE })
        await waitUntil(() => heard.some((line) => line.includes('fresh')), { ms: MS, what: 'the fresh one' })
        assert.deepEqual(
          heard.slice(before).filter((line) => !line.includes('secret')),
          [from(a.mesh, 'fresh 1')],
        )
        assert.ok(
          heard.every((line) => line.startsWith(from(a.mesh, '').trim())),
          'nobody else signed one that opens',
        )
        assert.deepEqual([other.length, lobby.length], [0, 0])
      },
      (name) => {
        if (name === 'hub') return withPubsub({ forward: true, ...member(thief) })
        return withPubsub(member(name === 'a' ? ageing(spy, () => late) : spy))
      },
    )
  })
})

/** Its messages say that they are that many ms old. */
function ageing(seal: MeshSeal, late: () => number): MeshSeal {
  return {
    seal(plain) {
      const text = Buffer.from(plain).toString('latin1')
      const older = text.replace(/"at":(\d+)/, (_, at: string) => `"at":${Number(at) - late()}`)
      return seal.seal(new Uint8Array(Buffer.from(older, 'latin1')))
    },
    open: seal.open,
  }
}

describe('pub/sub over a relay', { timeout: 120_000 }, () => {
  it('a relay passes on between peers that it lets not meet', async () => {
    const relay = await startTestRelay({ args: ['--lobby'] })
    const rows = [
      { id: 'no-hop', who: ['anyone'], may: ['relay.hop'], effect: 'deny', label: 'nobody meets' },
      { id: 'lobby-pubsub', who: ['lobby'], may: ['pubsub'], label: 'topics' },
      { id: 'lobby', who: ['lobby'], may: ['presence.join', 'relay.reserve'], label: 'be here' },
    ]
    await writeFile(join(relay.dataDir, 'access.json'), JSON.stringify({ rows }))
    await relay.reload()
    const origin = `http://127.0.0.1:${relay.port}`
    const [a, b] = [await startTestPeer({ origin, name: 'a' }), await startTestPeer({ origin, name: 'b' })]
    try {
      for (const { mesh } of [a, b]) await waitUntil(() => mesh.state.status === 'relayed', { ms: MS, what: 'the relay' })
      const heard = await listen(b.mesh, 'over')
      await until(heard, (text) => a.mesh.publish('over', text), 'relay')
      assert.ok(heard.every((line) => line.startsWith(a.mesh.peer.slice(-4))))
    } finally {
      await Promise.all([a.close(), b.close()])
      await relay.end()
    }
  })
})
