/** A lobby with everything in it, to look at and to test every screen with. Made up; never shown outside tests. */
import type { MeshState, MessageInfo, PeerInfo, TransferInfo } from '../../../src/core/mesh.ts'
import { emptyFakeState } from './fake-mesh.ts'
import { FAMILY } from './fake-meshes.ts'

export const ANA = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
export const PI = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
export const NAS = '12D3KooWSHj3RRbBjD15g6wekV8y3mm57Pobmps2g2WJm6F67Lay'
export const LEA = '12D3KooWDMCQbZZvLgHiHntG1KwcHoqHPAxL37KvhgibWqFtpqUY'
export const RELAY = '12D3KooWLnZUpcaBwbz9uD1XsyyHnbXUrJRmxnsMiRnuCmvPix67'

export const CLUB = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'
export const TEAM = '12D3KooWLJtG8fd2hkQzTn96MrLvThmnNQjTUFZwGEsLRz5EmSzc'
export const GONE = '12D3KooWSHj3RRbBjD15g6wekV8y3mm57Pobmps2g2WJm6F67Lay'

export function fullState(now: number): MeshState {
  const quotas = {
    reservations: 4096,
    circuits: 2048,
    circuitsPerPeer: 64,
    lobbyBytes: 2_147_483_648,
    lobbyTime: 7200,
    limitedBytesPerDay: 17_179_869_184,
  }
  return {
    ...emptyFakeState(),
    status: 'direct',
    name: 'Chrome on Linux',
    isNew: false,
    relays: [{ id: RELAY, name: 'home.example', status: 'reserved', transport: 'websocket', rtt: 9, quotas }],
    peers: peers(now),
    transfers: transfers(now),
    messages: messages(now),
  }
}

/** The same lobby for somebody who is in a family and a club, and waits for a third. */
export function meshState(now: number): MeshState {
  const full = fullState(now)
  const at = { since: now - 86_400_000 }
  const me = { ...at, peer: full.peer, name: full.name, here: true }
  const common = { epoch: 0, relays: ['https://home.example'] }
  return {
    ...full,
    transfers: [],
    peers: full.peers.map((peer) => ({ ...peer, meshes: peer.id === ANA ? ['lobby', FAMILY, CLUB] : peer.id === LEA ? [FAMILY] : ['lobby'] })),
    meshes: [
      {
        ...common,
        id: FAMILY,
        name: 'Family',
        role: 'owner',
        status: 'joined',
        epoch: 1,
        members: [
          { ...me, role: 'owner' },
          { ...at, peer: ANA, name: 'Ana’s laptop', role: 'member', here: true },
          { ...at, peer: LEA, name: 'Léa', role: 'guest', here: false },
        ],
      },
      {
        ...common,
        id: CLUB,
        name: 'Chess club of the university of applied sciences',
        role: 'member',
        status: 'joined',
        members: [
          { ...at, peer: ANA, name: 'Ana’s laptop', role: 'owner', here: true },
          { ...me, role: 'member' },
        ],
      },
      { ...common, id: TEAM, name: 'Team', role: 'guest', status: 'waiting', waitingFor: 'Noor', members: [] },
      { ...common, id: GONE, name: 'Old flat', role: 'guest', status: 'removed', members: [] },
    ],
  }
}

function transfers(now: number): readonly TransferInfo[] {
  const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
  const moving = {
    peer: ANA,
    direction: 'out',
    name: 'holiday.mp4',
    size: 512_000_000,
    type: 'video/mp4',
    done: 0,
    rate: 0,
    status: 'running',
    at: now - 60_000,
  } as const
  const problem = { code: 'PATH_LOST', message: 'The connection ended and no other path was left.' }
  const long = 'drawing with a rather long name that does not fit in a row (final) (2).svg'
  return [
    { ...moving, id: 'a', done: 322_560_000, rate: 31_000_000, left: 8.1 },
    {
      ...moving,
      id: 'b',
      peer: NAS,
      direction: 'in',
      name: 'backup-2026-11.tar',
      size: 2_400_000_000,
      status: 'verifying',
      done: 2_400_000_000,
      at: now - 200_000,
    },
    {
      ...moving,
      id: 'c',
      peer: PI,
      direction: 'in',
      name: 'plan.pdf',
      size: 1_240_000,
      done: 1_240_000,
      status: 'done',
      sha256,
      at: now - 3_600_000,
    },
    { ...moving, id: 'd', peer: PI, name: long, size: 90_000, done: 41_000, status: 'failed', problem, at: now - 90_000_000 },
    { ...moving, id: 'e', peer: LEA, name: 'notes.txt', size: 1_200, status: 'declined', at: now - 95_000_000 },
  ]
}

function messages(now: number): readonly MessageInfo[] {
  const own = { direction: 'out', topic: 'chat', size: 20 } as const
  const theirs = { direction: 'in', topic: 'chat', size: 20, status: 'delivered' } as const
  return [
    { ...own, id: '7', peer: LEA, text: 'Happy new year', status: 'expired', at: now - 3_000_000_000 },
    { ...own, id: '6', peer: ANA, text: 'Tea at four?', status: 'read', at: now - 700_000 },
    { ...theirs, id: '1', peer: ANA, text: 'Did the video arrive?', at: now - 600_000 },
    { ...own, id: '2', peer: ANA, text: 'On its way, half a minute.\nThe second one follows after it.', status: 'delivered', at: now - 540_000 },
    { ...own, id: '3', peer: LEA, text: 'Call me when you are back', status: 'waiting', at: now - 500_000 },
    { ...own, id: '4', peer: LEA, text: 'The key is at Ana’s', status: 'waiting', at: now - 490_000 },
    { ...theirs, id: '5', peer: PI, text: 'مرحبا — print finished', at: now - 4_000 },
  ]
}

function peers(now: number): readonly PeerInfo[] {
  return [
    {
      id: ANA,
      name: 'Ana’s laptop',
      path: 'direct',
      transport: 'webrtc',
      rtt: 4,
      attempts: [{ transport: 'webrtc', what: 'WebRTC, 3 local and 4 remote candidates', outcome: 'ok', at: now - 60_000 }],
      seen: now,
      kind: 'browser',
      meshes: ['lobby'],
    },
    {
      id: PI,
      name: 'Workshop Pi',
      path: 'relayed',
      transport: 'websocket',
      rtt: 62,
      relay: RELAY,
      seen: now,
      kind: 'browser',
      meshes: ['lobby'],
      attempts: [
        { transport: 'webrtc', what: 'WebRTC, 2 local and 3 remote candidates', outcome: 'TIMEOUT', obstacle: 'no-udp-there', at: now - 40_000 },
        { transport: 'webrtc', what: 'WebRTC, 2 local and 3 remote candidates', outcome: 'trying', at: now - 3_000 },
      ],
    },
    { id: NAS, name: 'NAS', path: 'direct', transport: 'webrtc-direct', rtt: 0.7, attempts: [], seen: now, kind: 'cli', meshes: ['lobby'] },
    { id: LEA, name: 'Léa', path: 'away', attempts: [], seen: now - 86_400_000, kind: 'browser', meshes: ['lobby'] },
  ]
}
