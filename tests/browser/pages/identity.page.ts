/** Page of tests/browser/identity.test.ts: loads the identity on real IndexedDB and lets the test look into every store. */
import { type BrowserIdentityOptions, loadBrowserIdentity } from '../../../src/identity/browser.ts'
import { toHex } from '../../../src/shared/bytes.ts'
import { openBrowserRecords } from '../../../src/storage/indexeddb.ts'

/** What a look into the databases found. */
export interface Dump {
  readonly stores: number
  readonly keys: { readonly type: string; readonly algorithm: string; readonly extractable: boolean; readonly exports: readonly string[] }[]
  /** Hex of every byte array and text. */
  readonly bytes: string[]
}

export interface IdentityPage {
  load(options?: {
    webCrypto?: boolean
  }): Promise<{ peer: string; sealing: string; isNew: boolean; seeds: string[]; valid: boolean; shared: boolean }>
  /** Load in a dedicated worker of this page, or in a SharedWorker. */
  loadInWorker(shared?: boolean): Promise<{ peer: string; sealing: string; isNew: boolean }>
  dump(): Promise<Dump>
}

async function load(options: BrowserIdentityOptions = {}): ReturnType<IdentityPage['load']> {
  const seeds: string[] = []
  const random = (length: number) => {
    const seed = crypto.getRandomValues(new Uint8Array(length))
    seeds.push(toHex(seed))
    return seed
  }
  const records = await openBrowserRecords()
  const identity = await loadBrowserIdentity(records, { ...options, random })
  const data = crypto.getRandomValues(new Uint8Array(100))
  const valid = await identity.verify(identity.peer, data, await identity.sign(data))
  const shared = (await identity.agree(identity.sealing.publicKey)).byteLength === 32
  await records.close()
  return { peer: identity.peer, sealing: toHex(identity.sealing.publicKey), isNew: identity.isNew, seeds, valid, shared }
}

async function loadInWorker(shared = false): ReturnType<IdentityPage['loadInWorker']> {
  return new Promise((resolve, reject) => {
    const onmessage = ({ data }: MessageEvent) => resolve(data)
    const onerror = (event: Event) => reject(new Error((event as ErrorEvent).message))
    if (shared) {
      const worker = new SharedWorker(new URL('./identity.worker.ts', import.meta.url), { type: 'module' })
      worker.port.onmessage = onmessage
      worker.onerror = onerror
    } else Object.assign(new Worker(new URL('./identity.worker.ts', import.meta.url), { type: 'module' }), { onmessage, onerror })
  })
}

async function dump(): Promise<Dump> {
  const found: Dump & { stores: number } = { stores: 0, keys: [], bytes: [] }
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name as string))
    for (const store of database.objectStoreNames) {
      found.stores++
      for (const value of await settled(database.transaction(store).objectStore(store).getAll())) await look(value, found)
    }
    database.close()
  }
  return found
}

async function look(value: unknown, found: Dump): Promise<void> {
  if (value instanceof CryptoKey) {
    const exports: string[] = []
    for (const format of ['raw', 'pkcs8', 'spki', 'jwk'] as const) {
      await crypto.subtle.exportKey(format as 'raw', value).then(
        () => exports.push(format),
        () => undefined,
      )
    }
    found.keys.push({ type: value.type, algorithm: value.algorithm.name, extractable: value.extractable, exports })
  } else if (value instanceof ArrayBuffer) found.bytes.push(toHex(new Uint8Array(value)))
  else if (ArrayBuffer.isView(value)) found.bytes.push(toHex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)))
  else if (typeof value === 'string') found.bytes.push(toHex(new TextEncoder().encode(value)))
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) await look(part, found)
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

Object.assign(globalThis, { identityPage: { load, loadInWorker, dump } satisfies IdentityPage })
