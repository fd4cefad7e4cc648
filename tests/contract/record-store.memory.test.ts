/** The memory store keeps the RecordStore contract. */
import { describe, it } from 'node:test'
import { createMemoryRecords } from '../../src/storage/memory.ts'
import { recordStoreCases } from './record-store.ts'

describe('createMemoryRecords', () => {
  for (const { name, run } of recordStoreCases) {
    it(name, async () => {
      const store = createMemoryRecords()
      await run(store, async () => store)
    })
  }
})
