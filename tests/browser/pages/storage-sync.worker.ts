/** Dedicated worker of the storage tests: contract cases over sync handles, a full quota, and speed. */
import type { FileStore } from '../../../src/core/stores.ts'
import { openOpfsFiles } from '../../../src/storage/opfs.worker.ts'
import { createSha256 } from '../../../src/storage/sha256.ts'
import { fileStoreCases, resumeCases } from '../../contract/file-store.ts'
import { runCases } from './storage-cases.ts'

declare const self: DedicatedWorkerGlobalScope

const jobs: Record<string, (argument: never) => Promise<unknown>> = {
  cases: () =>
    runCases([...fileStoreCases, ...resumeCases], async (one, index) => {
      const store = await openOpfsFiles({ directory: `case-${index}` })
      await one.run(store)
      await store.close()
    }),
  lock: async () => {
    const first = await openOpfsFiles({ directory: 'lock' })
    const abort = new AbortController()
    const second = openOpfsFiles({ directory: 'lock', signal: abort.signal })
    abort.abort()
    const refused = await second.then(
      () => 'opened',
      (error: { code?: string }) => error.code,
    )
    const third = openOpfsFiles({ directory: 'lock' })
    await first.close()
    await (await third).close()
    return refused
  },
  full: async () => {
    const store = await openOpfsFiles({ directory: 'full' })
    const sink = await store.create('big')
    let written = 0
    let code = 'none'
    try {
      for (; written < 64 * 1_048_576; written += 262_144) await sink.write(new Uint8Array(262_144))
    } catch (error) {
      code = String((error as { code?: unknown }).code)
    }
    const root = await navigator.storage.getDirectory()
    const names: string[] = []
    const look = async () => {
      for await (const name of (await root.getDirectoryHandle('full')).keys()) names.push(name)
    }
    await look()
    await store.remove('big')
    await look()
    await store.close()
    return { code, written, names }
  },
  small: async () => {
    const store = await openOpfsFiles({ directory: 'full' })
    const size = await fillOne(store, 'after', 4)
    await store.remove('after')
    await store.close()
    return size
  },
  speed: async (mib: number) => speed(mib),
}

async function fillOne(store: FileStore, id: string, blocks: number): Promise<number> {
  const sink = await store.create(id)
  for (let i = 0; i < blocks; i++) await sink.write(new Uint8Array(262_144))
  return (await sink.finish()).size
}

/** MB/s: our store, the bare sync handle (flushed), the bare hash. */
async function speed(mib: number): Promise<Record<string, number>> {
  const blocks = mib * 4
  const rate = (since: number) => Math.round((blocks * 262_144) / 1000 / (performance.now() - since))
  const store = await openOpfsFiles({ directory: 'speed' })
  let at = performance.now()
  await fillOne(store, 'a', blocks)
  const storeRate = rate(at)
  await store.remove('a')
  await store.close()
  const root = await navigator.storage.getDirectory()
  const handle = await (await root.getFileHandle('raw', { create: true })).createSyncAccessHandle()
  const block = crypto.getRandomValues(new Uint8Array(65_536))
  const big = new Uint8Array(262_144)
  for (let i = 0; i < 4; i++) big.set(block, i * 65_536)
  at = performance.now()
  for (let i = 0; i < blocks; i++) handle.write(big, { at: i * 262_144 })
  handle.flush()
  const rawRate = rate(at)
  handle.close()
  await root.removeEntry('raw')
  const hash = createSha256()
  at = performance.now()
  for (let i = 0; i < blocks; i++) hash.update(big)
  hash.digest()
  return { store: storeRate, raw: rawRate, sha256: rate(at) }
}

self.onmessage = async ({ data }: MessageEvent<{ job: string; argument: unknown }>) => {
  try {
    self.postMessage({ value: await jobs[data.job]?.(data.argument as never) })
  } catch (error) {
    self.postMessage({ error: String(error) })
  }
}
