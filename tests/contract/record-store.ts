/** Contract suite of RecordStore (src/core/stores.ts) as a list of cases, so that one suite runs in Node.js, in a page and in a worker. */
import type { RecordStore } from '../../src/core/stores.ts'
import { expectCode, expectEqual, expectTrue } from '../support/expect.ts'

export interface RecordStoreCase {
  readonly name: string
  /** `store` is empty; `reopen` closes it and opens the same place again (the same store when it keeps nothing). */
  run(store: RecordStore, reopen: () => Promise<RecordStore>): Promise<void>
}

export const recordStoreCases: readonly RecordStoreCase[] = [
  {
    name: 'get gives what put stored, and undefined for what is not there',
    async run(store) {
      const value = {
        text: 'grüße 🎈',
        n: 1.5,
        yes: true,
        none: null,
        list: [1, [2]],
        bytes: Uint8Array.of(0, 255, 7),
        deep: { bytes: Uint8Array.of(1) },
      }
      await store.put('setting', 'a', value)
      expectEqual(await store.get('setting', 'a'), value)
      expectEqual(await store.get('setting', 'b'), undefined)
      expectEqual(await store.get('peer', 'a'), undefined)
    },
  },
  {
    name: 'put stores a copy: later changes on either side change nothing',
    async run(store) {
      const value = { bytes: Uint8Array.of(1, 2) }
      await store.put('peer', 'a', value)
      value.bytes[0] = 9
      const got = (await store.get<typeof value>('peer', 'a')) as typeof value
      got.bytes[1] = 9
      expectEqual(await store.get('peer', 'a'), { bytes: Uint8Array.of(1, 2) })
    },
  },
  {
    name: 'put keeps values that look like tags as they are',
    async run(store) {
      const value = { $bytes: 'AA', more: { $object: { $bytes: 3 } } }
      await store.put('setting', 'tag', value)
      expectEqual(await store.get('setting', 'tag'), value)
    },
  },
  {
    name: 'delete removes, and is quiet about what is not there',
    async run(store) {
      await store.put('outbox', 'a', 1)
      await store.delete('outbox', 'a')
      await store.delete('outbox', 'a')
      expectEqual(await store.get('outbox', 'a'), undefined)
    },
  },
  {
    name: 'list gives key order, filters by prefix and caps',
    async run(store) {
      for (const key of ['b/2', 'a/1', 'b/10', 'c', 'b/1', 'b%', 'b_x']) await store.put('message', key, key)
      expectEqual(
        (await store.list('message')).map(([key]) => key),
        ['a/1', 'b%', 'b/1', 'b/10', 'b/2', 'b_x', 'c'],
      )
      expectEqual(await store.list('message', { prefix: 'b/', limit: 2 }), [
        ['b/1', 'b/1'],
        ['b/10', 'b/10'],
      ])
      expectEqual(
        (await store.list('message', { prefix: 'b_' })).map(([key]) => key),
        ['b_x'],
      )
      expectEqual(await store.list('relay'), [])
    },
  },
  {
    name: 'update sees the old value, writes the new one, deletes on undefined',
    async run(store) {
      const up = (old: number | undefined) => (old ?? 0) + 1
      expectEqual(await store.update('setting', 'n', up), 1)
      expectEqual(await store.update('setting', 'n', up), 2)
      expectEqual(await store.get('setting', 'n'), 2)
      expectEqual(await store.update('setting', 'n', () => undefined), undefined)
      expectEqual(await store.get('setting', 'n'), undefined)
    },
  },
  {
    name: 'update loses nothing when 50 run at once',
    async run(store) {
      await Promise.all(Array.from({ length: 50 }, () => store.update<number>('setting', 'n', (old) => (old ?? 0) + 1)))
      expectEqual(await store.get('setting', 'n'), 50)
    },
  },
  {
    name: 'update changes nothing when the change throws, and later calls work',
    async run(store) {
      await store.put('setting', 'n', 5)
      let message = ''
      const work = store.update('setting', 'n', () => {
        throw new TypeError('no')
      })
      await work.catch((error: Error) => (message = error.message))
      expectEqual(message, 'no')
      expectEqual(await store.get('setting', 'n'), 5)
      expectEqual(await store.update<number>('setting', 'n', (old) => (old ?? 0) + 1), 6)
    },
  },
  {
    name: 'batch writes and deletes in several collections, the last write of a key wins',
    async run(store) {
      await store.put('outbox', 'gone', 1)
      await store.batch([
        { collection: 'message', key: 'a', value: { bytes: Uint8Array.of(4) } },
        { collection: 'outbox', key: 'gone', value: undefined },
        { collection: 'setting', key: 'n', value: 1 },
        { collection: 'setting', key: 'n', value: 2 },
      ])
      await store.batch([])
      expectEqual(await store.get('message', 'a'), { bytes: Uint8Array.of(4) })
      expectEqual(await store.get('outbox', 'gone'), undefined)
      expectEqual(await store.get('setting', 'n'), 2)
    },
  },
  {
    name: 'batch writes nothing when one of its values cannot be stored',
    async run(store) {
      await store.put('setting', 'n', 1)
      const failed = await store
        .batch([
          { collection: 'setting', key: 'n', value: 2 },
          { collection: 'message', key: 'a', value: 3 },
          { collection: 'outbox', key: 'b', value: { no: () => 'function' } },
        ])
        .then(
          () => false,
          () => true,
        )
      expectTrue(failed, 'a function is refused')
      expectEqual(await store.get('setting', 'n'), 1)
      expectEqual(await store.get('message', 'a'), undefined)
      await store.batch([{ collection: 'setting', key: 'n', value: 4 }])
      expectEqual(await store.get('setting', 'n'), 4)
    },
  },
  {
    name: 'values are there after reopen, where the store keeps anything',
    async run(store, reopen) {
      await store.put('policy', 'p', { bytes: Uint8Array.of(3) })
      const again = await reopen()
      expectEqual(await again.get('policy', 'p'), { bytes: Uint8Array.of(3) })
    },
  },
  {
    name: 'every call after close fails with CLOSED, close is idempotent',
    async run(store) {
      await store.close()
      await store.close()
      await expectCode(store.get('setting', 'a'), 'CLOSED')
      await expectCode(store.put('setting', 'a', 1), 'CLOSED')
      await expectCode(store.list('setting'), 'CLOSED')
      await expectCode(
        store.update('setting', 'a', () => 1),
        'CLOSED',
      )
      await expectCode(store.batch([{ collection: 'setting', key: 'a', value: 1 }]), 'CLOSED')
      expectTrue(true, 'reached')
    },
  },
]
