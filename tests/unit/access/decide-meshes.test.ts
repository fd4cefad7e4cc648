/** decideBy(): what being in a mesh gives, and what it does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideBy } from '../../../src/access/decide.ts'
import type { PolicyRow, Who } from '../../../src/core/access.ts'

const row = (id: string, who: readonly string[]): PolicyRow => ({ id, who, may: ['message.send'], label: id })
const ask = (rows: readonly PolicyRow[], who: Who) => decideBy(rows)(who, 'message.send', '*', { startsLastMinute: 0, concurrent: 0 }, 0)

test('being owner of some mesh does not make one a member here', () => {
  const stranger: Who = { peer: 'p', roles: ['lobby'], meshes: [{ id: 'their own', role: 'owner' }] }
  assert.equal(ask([row('r', ['member', 'owner'])], stranger).allow, false)
})

test('a row for a mesh answers before one for the roles in it', () => {
  const owner: Who = { peer: 'p', roles: ['member', 'owner'], meshes: [{ id: 'm1', role: 'owner' }] }
  assert.equal(ask([row('o', ['owner']), row('m', ['mesh:m1'])], owner).row, 'm')
})
