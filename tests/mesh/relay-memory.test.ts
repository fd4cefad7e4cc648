/** What a relay's process holds of a private mesh: its memory is read, and nothing that is sealed may be in it. A name in the lobby proves that the search finds what is there. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import test from 'node:test'
import { startRelayProcess } from '../support/relay-process.ts'
import { startTestPeer } from '../support/test-peer.ts'
import { waitUntil } from '../support/wait.ts'

const PART = 1 << 24

/** Which of `words` are anywhere in the writable memory of a process, as bytes or as UTF-16. Linux only. */
function wordsInMemory(pid: number, words: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  for (const [, from = '', to = ''] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += PART) {
      const part = Buffer.alloc(Math.min(PART, end - at))
      try {
        readSync(memory, part, 0, part.length, at)
      } catch {
        continue // a mapping of the kernel's own
      }
      for (const word of words) if (part.includes(word) || part.includes(Buffer.from(word, 'utf16le'))) found.add(word)
    }
  }
  closeSync(memory)
  return found
}

test('a relay that counts an invite holds no name, label or seed of it', { skip: process.platform !== 'linux' }, async () => {
  const relay = await startRelayProcess({ args: ['--udp', 'off'] })
  const origin = `http://127.0.0.1:${relay.port}`
  const [ana, ben] = [await startTestPeer({ origin, name: 'Lobbyana77' }), await startTestPeer({ origin, name: 'Ben' })]
  try {
    await waitUntil(() => [ana, ben].every(({ mesh }) => mesh.state.relays[0]?.status === 'reserved'), { ms: 15_000, what: 'both at the relay' })
    const id = await ana.mesh.meshes.create('Secretfamily4711')
    const { link } = await ana.mesh.meshes.invite(id, { label: 'Labelzebra', opens: '/openszebra' })
    await ben.mesh.meshes.join(link)
    await waitUntil(() => ben.mesh.state.meshes[0]?.status === 'joined', { ms: 10_000, what: 'Ben to be in' })
    const words = ['Secretfamily4711', 'Labelzebra', 'openszebra', link.slice(-43), 'Lobbyana77', id]
    assert.deepEqual(wordsInMemory(relay.child.pid as number, words), new Set(['Lobbyana77', id]))
  } finally {
    await Promise.all([ana.close(), ben.close()])
    await relay.stop()
  }
})
