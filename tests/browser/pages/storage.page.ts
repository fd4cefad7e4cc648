/** Page of the storage tests: runs record cases here, starts the workers and brokers the storage port as the real page does. */
import { openBrowserRecords } from '../../../src/storage/indexeddb.ts'
import { recordStoreCases } from '../../contract/record-store.ts'
import { runCases } from './storage-cases.ts'

const answer = (target: { addEventListener(type: 'message', listen: (event: MessageEvent) => void): void }) =>
  new Promise<unknown>((resolve, reject) =>
    target.addEventListener('message', ({ data }) => {
      if ('value' in data) resolve(data.value)
      else if ('error' in data) reject(new Error(data.error))
    }),
  )

/** Random, since LevelDB compresses. */
function randomMiB(): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(1_048_576)
  for (let at = 0; at < out.byteLength; at += 65_536) crypto.getRandomValues(out.subarray(at, at + 65_536))
  return out
}

/** The API that the Node.js side drives. */
export const storageTest = {
  records: () =>
    runCases(recordStoreCases, async (one, index) => {
      const name = `case-${index}-${crypto.randomUUID()}`
      let store = await openBrowserRecords({ name })
      await one.run(store, async () => {
        await store.close()
        store = await openBrowserRecords({ name })
        return store
      })
      await store.close()
      indexedDB.deleteDatabase(name)
    }),

  /** Store a non-extractable key; the next page load uses it. */
  async saveKey() {
    const store = await openBrowserRecords({ name: 'key' })
    const { privateKey } = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair
    await store.put('secret', 'device', { key: privateKey })
    await store.close()
  },
  async useKey() {
    const store = await openBrowserRecords({ name: 'key' })
    const found = await store.get<{ key: CryptoKey }>('secret', 'device')
    await store.close()
    if (!found) return 'gone'
    const signature = await crypto.subtle.sign('Ed25519', found.key, new Uint8Array(3))
    const exported = await crypto.subtle.exportKey('pkcs8', found.key).then(
      () => 'exported',
      () => 'refused',
    )
    return `${signature.byteLength} ${exported}`
  },

  /** What a page of an older build sees when a newer one upgrades the database. */
  async upgrade() {
    const store = await openBrowserRecords({ name: 'upgrade' })
    await store.put('setting', 'a', 1)
    const opened = await new Promise<string>((resolve) => {
      const request = indexedDB.open('upgrade', 99)
      request.onblocked = () => resolve('blocked')
      request.onsuccess = () => {
        request.result.close()
        resolve('opened')
      }
    })
    const code = await store.get('setting', 'a').then(
      () => 'answered',
      (error: { code?: string }) => error.code,
    )
    return `${opened} ${code}`
  },

  /** Big values until the browser refuses. */
  async fillRecords() {
    const store = await openBrowserRecords({ name: 'full' })
    const code = await (async () => {
      for (let i = 0; i < 64; i++) await store.put('message', `m-${i}`, randomMiB())
      return 'never full'
    })().catch((error: { code?: string }) => error.code)
    const first = await store.get('message', 'm-0')
    await store.close()
    indexedDB.deleteDatabase('full')
    return `${code} ${first === undefined ? 'lost' : 'kept'}`
  },

  usage: async () => (await navigator.storage.estimate()).usage ?? 0,

  sync(job: string, argument?: unknown) {
    const worker = new Worker(new URL('./storage-sync.worker.ts', import.meta.url), { type: 'module' })
    const result = answer(worker)
    worker.postMessage({ job, argument })
    return result.finally(() => worker.terminate())
  },

  /** Holds on to the SharedWorker that `lasting` jobs of other tabs run in. */
  meet() {
    const { port } = meshWorker('lasting')
    const result = answer(port)
    port.start()
    port.postMessage({ job: 'meet' })
    return result
  },

  /** With `lasting` the SharedWorker has one name for all tabs, and the storage worker lives as long as this tab. */
  shared(job: string, argument?: unknown, lasting = false) {
    const storage = new Worker(new URL('../../../workers/storage.worker.ts', import.meta.url), { type: 'module' })
    const mesh = meshWorker(lasting ? 'lasting' : job)
    const result = answer(mesh.port)
    let started = false
    storage.addEventListener('message', ({ data }) => {
      if (started) return mesh.port.postMessage({ port: data.port }, [data.port])
      // The first port says that the store is open; the job asks for its own.
      started = true
      mesh.port.postMessage({ job, argument })
    })
    mesh.port.addEventListener('message', ({ data }) => {
      if (data.want === 'port') storage.postMessage({ type: 'storage-port' })
    })
    mesh.port.start()
    return lasting ? result : result.finally(() => storage.terminate())
  },
}

function meshWorker(name: string): SharedWorker {
  return new SharedWorker(new URL('./storage-shared.worker.ts', import.meta.url), { type: 'module', name })
}

Object.assign(globalThis, { storageTest })
