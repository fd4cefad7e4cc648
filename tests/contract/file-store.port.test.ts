/** A store behind a MessagePort keeps the FileStore contract, bounds what is on its way, and survives the loss of the other end. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FileStore } from '../../src/core/stores.ts'
import { type Clock, systemClock } from '../../src/shared/clock.ts'
import { createMemoryFiles } from '../../src/storage/memory.ts'
import { createPortFiles, type PortFiles } from '../../src/storage/port-files.ts'
import { serveFiles } from '../../src/storage/serve-files.ts'
import { waitUntil } from '../support/wait.ts'
import { fileStoreCases, patternBytes, resumeCases } from './file-store.ts'

describe('createPortFiles', () => {
  for (const { name, run } of [...fileStoreCases, ...resumeCases]) {
    it(name, async () => {
      const { client, stop } = connect(createMemoryFiles())
      try {
        await run(client)
      } finally {
        await client.close()
        stop()
      }
    })
  }

  it('fails pending calls with WORKER_GONE when the port is replaced; resume goes on at what was written', async () => {
    const store = createMemoryFiles()
    const { client, stop } = connect(store)
    const sink = await client.create('t')
    await sink.write(patternBytes(300_000))
    // A port that nobody serves: the call can only end by the replacement.
    const dead = new MessageChannel()
    client.attach(dead.port1)
    await assert.rejects(sink.write(patternBytes(1)), { code: 'WORKER_GONE' })
    const pending = client.size('t')
    stop()
    const channel = new MessageChannel()
    const stopSecond = serveFiles(channel.port1, store)
    client.attach(channel.port2)
    await assert.rejects(pending, { code: 'WORKER_GONE' })
    const again = await client.create('t', { resume: true })
    assert.equal(again.offset, 262_144)
    assert.equal((await again.finish()).size, 262_144)
    dead.port2.close()
    await client.close()
    stopSecond()
  })

  it('waits for a port, and fails with WORKER_GONE when none comes', async () => {
    const { clock, timers } = heldClock()
    const client = createPortFiles(clock)
    const call = client.size('a')
    await waitUntil(() => timers.length === 2, { what: 'the deadlines of the wait' })
    timers[1]?.()
    await assert.rejects(call, { code: 'WORKER_GONE' })
    const second = client.size('a')
    const channel = new MessageChannel()
    const stop = serveFiles(channel.port1, createMemoryFiles())
    client.attach(channel.port2)
    assert.equal(await second, undefined)
    await client.close()
    stop()
  })

  it('falls back to a store of its own thread, whose files go on when a port comes', async () => {
    const { clock, timers } = heldClock()
    const own = new MessageChannel()
    const stopOwn = serveFiles(own.port1, createMemoryFiles())
    let asked = 0
    const client = createPortFiles(clock, undefined, async () => {
      asked++
      return own.port2
    })
    const opening = client.create('f')
    const second = client.create('g')
    await waitUntil(() => timers.length === 4, { what: 'the deadlines of the waits' })
    timers[0]?.()
    timers[2]?.()
    const sink = await opening
    await second
    assert.equal(asked, 1)
    assert.equal(client.attached, false)
    const better = new MessageChannel()
    const stopBetter = serveFiles(better.port1, createMemoryFiles())
    client.attach(better.port2)
    await sink.write(patternBytes(10))
    assert.equal((await sink.finish()).size, 10)
    assert.equal(await client.size('f'), undefined)
    await client.close()
    await assert.rejects(sink.write(patternBytes(1)), { code: 'CLOSED' })
    stopOwn()
    stopBetter()
  })

  it('says why the fallback failed', async () => {
    const { clock, timers } = heldClock()
    const client = createPortFiles(clock, undefined, () => Promise.reject(new DOMException('no', 'SecurityError')))
    const call = client.size('a')
    await waitUntil(() => timers.length === 2, { what: 'the deadlines of the wait' })
    timers[0]?.()
    await assert.rejects(call, { code: 'STORAGE_FAILED' })
    await client.close()
  })

  it('ends a call with TIMEOUT when the worker hangs', async () => {
    const { clock, timers } = heldClock()
    const dead = new MessageChannel()
    const client = createPortFiles(clock, dead.port1)
    const call = client.size('a')
    await waitUntil(() => timers.length === 1, { what: 'the deadline of the call' })
    timers[0]?.()
    await assert.rejects(call, { code: 'TIMEOUT' })
    await client.close()
    dead.port2.close()
  })

  it('holds at most 1 MiB on its way to a store that does not take it', async () => {
    let arrived = 0
    const gate = Promise.withResolvers<void>()
    const memory = createMemoryFiles()
    const slow: FileStore = {
      ...memory,
      create: async (id) => {
        const sink = await memory.create(id)
        return {
          ...sink,
          write: async (chunk) => {
            arrived += chunk.byteLength
            await gate.promise
            await sink.write(chunk)
          },
        }
      },
    }
    const { client, stop } = connect(slow)
    const sink = await client.create('s')
    const writes = Array.from({ length: 16 }, () => sink.write(new Uint8Array(262_144)))
    await waitUntil(() => arrived >= 1_048_576, { what: 'the first MiB' })
    await client.size('s')
    assert.equal(arrived, 1_048_576)
    gate.resolve()
    await Promise.all(writes)
    assert.equal((await sink.finish()).size, 16 * 262_144)
    await client.close()
    stop()
  })

  it('refuses the 65th open file with LIMIT_REACHED', async () => {
    const { client, stop } = connect(createMemoryFiles())
    for (let i = 0; i < 64; i++) await client.create(`n-${i}`)
    await assert.rejects(client.create('n-64'), { code: 'LIMIT_REACHED' })
    await client.close()
    stop()
  })
})

function connect(store: FileStore): { client: PortFiles; stop: () => void } {
  const channel = new MessageChannel()
  const stop = serveFiles(channel.port1, store)
  return { client: createPortFiles(systemClock(), channel.port2), stop }
}

/** Timers that fire by hand only. */
function heldClock(): { clock: Clock; timers: (() => void)[] } {
  const timers: (() => void)[] = []
  const after = (_: number, task: () => void) => {
    timers.push(task)
    return () => undefined
  }
  return { clock: { ...systemClock(), after }, timers }
}
