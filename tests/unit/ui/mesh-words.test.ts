/** Words about meshes: what is shown, where one meets a peer, and how an invite is found in what was pasted or scanned. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MeshState, PeerInfo } from '../../../src/core/mesh.ts'
import type { MeshInfo } from '../../../src/core/meshes.ts'
import {
  EVERYONE,
  findInvite,
  hereText,
  isInviteFragment,
  LOBBY,
  leftToUse,
  meetingText,
  shownName,
  shownPeers,
  waitingText,
} from '../../../src/ui/mesh-words.ts'

const MESH: MeshInfo = { id: 'F', name: 'Family', role: 'owner', status: 'joined', members: [], epoch: 0, relays: [] }
const peer = (id: string, meshes: readonly string[]): PeerInfo => ({ id, name: id, path: 'direct', attempts: [], seen: 0, kind: 'browser', meshes })
const stateOf = (meshes: readonly MeshInfo[]) =>
  ({ meshes, peers: [peer('a', ['lobby', 'F']), peer('b', ['lobby']), peer('c', ['F'])] }) as unknown as MeshState
const idsOf = (shown: string) => shownPeers(stateOf([MESH]), shown).map(({ id }) => id)

describe('words about meshes', () => {
  it('shows the peers of the chosen place, and everybody when it is gone', () => {
    assert.deepEqual(idsOf('F'), ['a', 'c'])
    assert.deepEqual(idsOf(LOBBY), ['a', 'b'])
    assert.deepEqual(idsOf(EVERYONE), ['a', 'b', 'c'])
    assert.deepEqual(idsOf('a mesh I left'), ['a', 'b', 'c'])
  })
  it('names the place, and never by more than a line', () => {
    assert.equal(shownName(stateOf([MESH]), 'F'), 'Family')
    assert.equal(shownName(stateOf([MESH]), EVERYONE), 'Everyone')
    assert.equal(shownName(stateOf([]), EVERYONE), 'Lobby')
    assert.equal(shownName(stateOf([{ ...MESH, name: `\u202e${'x'.repeat(200)}` }]), 'F').length, 48)
    assert.equal(shownName(stateOf([{ ...MESH, name: '' }]), 'F'), 'A private mesh')
  })
  it('says where one meets, once there is more than the lobby', () => {
    assert.equal(meetingText(stateOf([MESH]), peer('a', ['lobby', 'F'])), 'Family · Lobby')
    assert.equal(meetingText(stateOf([MESH]), peer('c', ['F', 'unknown'])), 'Family')
    assert.equal(meetingText(stateOf([]), peer('b', ['lobby'])), '')
  })
  it('counts members, uses and time', () => {
    const member = { peer: 'a', name: 'a', role: 'member', since: 0, here: true } as const
    assert.equal(hereText({ members: [member] }), 'only you so far')
    assert.equal(hereText({ members: [member, { ...member, here: false }] }), '1 of 2 here')
    assert.equal(leftToUse({ used: 1, uses: 5, until: 7_200_000 }, 0).replaceAll('\u00a0', ' '), '1 of 5 used · 2 h left')
    assert.equal(waitingText({ waitingFor: 'Ana' }), 'Waiting for Ana’s devices')
    assert.equal(waitingText({ waitingFor: '\u200b' }), 'Waiting for an owner’s device')
  })
  it('finds an invite in what was pasted, and nothing else', () => {
    const link = `https://home.example/#join=${'a'.repeat(90)}.${'b'.repeat(43)}`
    assert.equal(findInvite(link), link)
    assert.equal(findInvite(`Come in: ${link}\nsee you`), link)
    assert.equal(findInvite('https://home.example/#join=short'), undefined)
    assert.equal(findInvite(`javascript:alert(1)#join=${'a'.repeat(90)}`), undefined)
    assert.equal(findInvite('x'.repeat(100_000)), undefined)
    assert.equal(isInviteFragment('#join=a'), true)
    assert.equal(isInviteFragment('#/chat'), false)
  })
})
