/** A lobby with everything in it, to look at and to test every screen with. Made up; never shown outside tests. */
import type { MeshState, PeerInfo, TransferInfo } from '../../../src/core/mesh.ts'
import { emptyFakeState } from './fake-mesh.ts'

export const ANA = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
export const PI = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
export const NAS = '12D3KooWSHj3RRbBjD15g6wekV8y3mm57Pobmps2g2WJm6F67Lay'
export const LEA = '12D3KooWDMCQbZZvLgHiHntG1KwcHoqHPAxL37KvhgibWqFtpqUY'
export const RELAY = '12D3KooWLnZUpcaBwbz9uD1XsyyHnbXUrJRmxnsMiRnuCmvPix67'

export function fullState(now: number): MeshState {
  const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
  const transfer = (part: Partial<TransferInfo> & { id: string }): TransferInfo => ({
    peer: ANA,
    direction: 'out',
    name: 'holiday.mp4',
    size: 512_000_000,
    type: 'video/mp4',
    done: 0,
    rate: 0,
    status: 'running',
    at: now - 60_000,
    ...part,
  })
  return {
    ...emptyFakeState(),
    status: 'direct',
    name: 'Chrome on Linux',
    isNew: false,
    relays: [
      {
        id: RELAY,
        name: 'home.example',
        status: 'reserved',
        transport: 'websocket',
        rtt: 9,
        quotas: { reservations: 128, circuitsPerPeer: 16, circuitBytes: 2_147_483_648, circuitTime: 7_200_000, bytesPerPrefixPerDay: 21_474_836_480 },
      },
    ],
    peers: peers(now),
    transfers: [
      transfer({ id: 'a', done: 322_560_000, rate: 31_000_000, left: 6.1 + 2 }),
      transfer({
        id: 'b',
        peer: NAS,
        direction: 'in',
        name: 'backup-2026-11.tar',
        size: 2_400_000_000,
        status: 'verifying',
        done: 2_400_000_000,
        at: now - 200_000,
      }),
      transfer({
        id: 'c',
        peer: PI,
        direction: 'in',
        name: 'plan.pdf',
        size: 1_240_000,
        type: 'application/pdf',
        done: 1_240_000,
        status: 'done',
        sha256,
        at: now - 3_600_000,
      }),
      transfer({
        id: 'd',
        peer: PI,
        name: 'drawing with a rather long name that does not fit in a row (final) (2).svg',
        size: 90_000,
        done: 41_000,
        status: 'failed',
        problem: { code: 'PATH_LOST', message: 'The connection ended and no other path was left.' },
        at: now - 90_000_000,
      }),
      transfer({ id: 'e', peer: LEA, name: 'notes.txt', size: 1_200, status: 'declined', at: now - 95_000_000 }),
    ],
    messages: [
      { id: '1', peer: ANA, direction: 'in', topic: 'chat', text: 'Did the video arrive?', size: 21, status: 'delivered', at: now - 600_000 },
      {
        id: '2',
        peer: ANA,
        direction: 'out',
        topic: 'chat',
        text: 'On its way, half a minute.\nThe second one follows after it.',
        size: 60,
        status: 'delivered',
        at: now - 540_000,
      },
      { id: '3', peer: LEA, direction: 'out', topic: 'chat', text: 'Call me when you are back', size: 25, status: 'waiting', at: now - 500_000 },
      { id: '4', peer: LEA, direction: 'out', topic: 'chat', text: 'The key is at Ana’s', size: 19, status: 'waiting', at: now - 490_000 },
      { id: '5', peer: PI, direction: 'in', topic: 'chat', text: 'مرحبا — print finished', size: 30, status: 'delivered', at: now - 4_000 },
    ],
  }
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
      attempts: [
        { transport: 'webrtc', what: 'WebRTC, 2 local and 3 remote candidates', outcome: 'TIMEOUT', at: now - 40_000 },
        { transport: 'webrtc', what: 'WebRTC, 2 local and 3 remote candidates', outcome: 'trying', at: now - 3_000 },
      ],
    },
    { id: NAS, name: 'NAS', path: 'direct', transport: 'webrtc-direct', rtt: 0.7, attempts: [], seen: now, kind: 'cli' },
    { id: LEA, name: 'Léa', path: 'away', attempts: [], seen: now - 86_400_000, kind: 'browser' },
  ]
}
