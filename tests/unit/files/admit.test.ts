/** Whose offers may wait: many keys of one person must not take the places of everybody else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TransferInfo } from '../../../src/core/mesh.ts'
import { admit } from '../../../src/protocols/files/admit.ts'
import { MAX_WAITING, MAX_WAITING_PER_PEER, MAX_WAITING_STRANGERS } from '../../../src/protocols/files/limits.ts'
import { codeOf } from '../../../src/shared/errors.ts'

function offers() {
  const list: TransferInfo[] = []
  const add = (peer: string, more: Partial<TransferInfo> = {}) => {
    const base = { id: `${peer} ${list.length}`, peer, direction: 'in', name: 'x', size: 1, type: '', done: 0, rate: 0, status: 'offered' } as const
    list.push({ ...base, at: list.length, ...more })
  }
  /** As the protocol does it. */
  const offer = (peer: string): boolean => {
    try {
      const loser = admit({ list: () => list, full: () => false }, peer)
      if (loser)
        list.splice(
          list.findIndex(({ id }) => id === loser),
          1,
        )
      add(peer)
      return true
    } catch (error) {
      assert.equal(codeOf(error), 'LIMIT_REACHED')
      return false
    }
  }
  const waiting = (peer: string) => list.filter((info) => info.peer === peer && info.status === 'offered').length
  return { add, offer, waiting, all: () => list.filter(({ status }) => status === 'offered').length }
}

test('eight keys that offer all they may leave room for a stranger, and much for people I know', () => {
  const { add, offer, waiting, all } = offers()
  add('ana', { status: 'done' })
  for (let key = 0; key < 8; key++) for (let i = 0; i < 2 * MAX_WAITING_PER_PEER; i++) offer(`sybil ${key}`)
  assert.equal(all(), MAX_WAITING_STRANGERS)
  assert.equal(offer('shy'), true)
  assert.equal(waiting('shy'), 1)
  for (let i = 0; i < MAX_WAITING_PER_PEER; i++) assert.equal(offer('ana'), true)
  assert.equal(waiting('ana'), MAX_WAITING_PER_PEER)
  assert.ok(all() <= MAX_WAITING)
})

test('a thousand keys with one offer each take the places of strangers alone', () => {
  const { add, offer, all } = offers()
  add('ana', { direction: 'out', status: 'running' })
  for (let key = 0; key < 1_000; key++) offer(`sybil ${key}`)
  assert.equal(all(), MAX_WAITING_STRANGERS)
  assert.equal(offer('ana'), true)
})
