/** What a relay counts: a hundred claims at once of one use, on memory and on SQLite; claims that come again; what was taken back. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { openLedger } from '../../../src/protocols/invite/ledger.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { createMemoryRecords } from '../../../src/storage/memory.ts'
import { openSqliteRecords } from '../../../src/storage/sqlite.node.ts'

const claim = (peer: string) => ({ token: 't', nonce: 'n', signature: 's', sealing: { key: 'k', signature: 's' }, peer, at: 1 })
const invite = { mesh: 'm', id: 'i', uses: 1, until: 10 }

test('of 100 claims at once of a single use exactly one is counted', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dmesh-ledger-'))
  for (const records of [createMemoryRecords(), await openSqliteRecords(join(dir, 'records.sqlite'))]) {
    const ledger = await openLedger(records)
    const all = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => ledger.claim(invite, claim(`p${i}`))))
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const one of all) if (one.status === 'rejected') assert.equal(codeOf(one.reason), 'INVITE_USED')
    const [winner] = await ledger.waiting('m', 5)
    assert.equal((await ledger.claim(invite, claim(winner?.peer ?? ''))).peer, winner?.peer, 'the same peer again')
    const again = await openLedger(records)
    await assert.rejects(again.claim(invite, claim('late')), (error) => codeOf(error) === 'INVITE_USED', 'after a restart')
    assert.deepEqual(await again.withdraw('m', 'i', 10), [winner?.peer])
    await assert.rejects(again.claim(invite, claim('later')), (error) => codeOf(error) === 'INVITE_WITHDRAWN')
    await again.sweep(11)
    assert.deepEqual(await records.list('mesh'), [])
    await records.close()
  }
  await rm(dir, { recursive: true })
})
