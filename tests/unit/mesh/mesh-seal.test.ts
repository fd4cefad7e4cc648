/** The seal of a private mesh for its topics: which keys open, whose messages, and when there is none. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { randomKey } from '../../../src/access/keyring.ts'
import type { Profile } from '../../../src/access/profile.ts'
import type { MeshSeal } from '../../../src/core/pubsub.ts'
import type { MyMesh } from '../../../src/mesh/meshes/kept.ts'
import { sealOfMesh } from '../../../src/mesh/meshes/seal.ts'
import { fromUtf8, toUtf8 } from '../../../src/shared/bytes.ts'
import { codeOf } from '../../../src/shared/errors.ts'

const member = (p: string, spare?: true): Profile['members'][number] => ({ p, k: '', r: 'member', s: 0, ...(spare && { spare }) })

function meshWith(keys: MyMesh['keys'], members: readonly string[], rest: Partial<MyMesh> = {}): MyMesh {
  const profile = { epoch: Math.max(...keys.keys()), members: [...members.map((peer) => member(peer)), member('spare', true)] } as unknown as Profile
  return {
    id: 'mesh',
    name: '',
    status: 'joined',
    relays: [],
    chain: [],
    document: '',
    removed: '',
    seq: 1,
    profile,
    keys,
    edits: [],
    at: 0,
    ...rest,
  }
}

test('what a member seals opens for members, also with a key of before; not for another mesh, an outsider, one who was removed, or the spare key', async () => {
  const [old, now] = [randomKey(), randomKey()]
  const before = sealOfMesh(meshWith(new Map([[1, old]]), ['ana', 'ben'])) as MeshSeal
  const keys = new Map([
    [2, now],
    [1, old],
  ])
  const after = sealOfMesh(meshWith(keys, ['ana'])) as MeshSeal
  const text = toUtf8('flour')
  const code = (work: Promise<unknown>) => work.then(() => 'opened', codeOf)
  assert.equal(fromUtf8(await after.open(await before.seal(text), 'ana')), 'flour')
  assert.equal(fromUtf8(await after.open(await after.seal(text), 'ana')), 'flour')
  assert.equal(await code(after.open(await before.seal(text), 'ben')), 'NOT_MEMBER')
  assert.equal(await code(after.open(await after.seal(text), 'spare')), 'NOT_MEMBER')
  assert.equal(await code(before.open(await after.seal(text), 'ana')), 'BAD_RECORD')
  const other = sealOfMesh(meshWith(keys, ['ana'], { id: 'other' })) as MeshSeal
  assert.equal(await code(other.open(await after.seal(text), 'ana')), 'BAD_RECORD')
})

test('there is none while I wait, after I was removed, and without the newest key', () => {
  const keys = new Map([[1, randomKey()]])
  assert.equal(sealOfMesh(undefined), undefined)
  assert.equal(sealOfMesh(meshWith(keys, ['ana'], { status: 'removed' })), undefined)
  assert.equal(sealOfMesh(meshWith(keys, [], { status: 'waiting', profile: undefined })), undefined)
  assert.equal(sealOfMesh(meshWith(keys, ['ana'], { profile: { epoch: 2, members: [member('ana')] } as unknown as Profile })), undefined)
})
