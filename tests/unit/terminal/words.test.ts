/** What terminal commands read and print: names, times, maps, codes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import decodeQR from 'qr/decode.js'
import { parseCount, parseDuration } from '../../../relay-server/commands/durations.ts'
import { mapOf } from '../../../relay-server/commands/peers.ts'
import { whyText } from '../../../relay-server/commands/ping.ts'
import { printable, printableText, sizeText, timeText } from '../../../relay-server/commands/printable.ts'
import { qrText } from '../../../relay-server/commands/qr-text.ts'
import { resolvePeer } from '../../../relay-server/commands/resolve-peer.ts'
import { createWatch } from '../../../relay-server/commands/watch-transfer.ts'
import type { MeshState, PeerInfo, TransferInfo } from '../../../src/core/mesh.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { FUZZ_RUNS } from '../../support/fuzz.ts'

const [ME, BEN, CLEO] = [
  '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp',
  '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN',
  '12D3KooWFdx2f8wmBknHMtVftGWKKDiDUU5cVrK8Wx4AFuqCkLm6',
]

const peer = (id: string, name: string, more: Partial<PeerInfo> = {}): PeerInfo => ({
  id,
  name,
  path: 'relayed',
  relay: 'R',
  attempts: [],
  seen: 0,
  kind: 'cli',
  meshes: ['lobby'],
  ...more,
})
const member = (id: string, name: string) => ({ peer: id, name, role: 'member' as const, since: 0, here: true })
const mesh = (status: 'joined' | 'waiting', members: ReturnType<typeof member>[]) => ({
  id: CLEO as string,
  name: 'Home',
  role: 'member' as const,
  status,
  members,
  epoch: 1,
  relays: [],
})
const state = (more: Partial<MeshState>): MeshState => ({ peer: ME, name: 'Ana', peers: [], relays: [], meshes: [], ...more }) as MeshState

test('resolvePeer() takes PeerIDs, my names, then those of members, and nothing that a stranger claims', () => {
  const sources = (more: Partial<MeshState>, petnames: Record<string, string> = {}) => ({ state: state(more), petnames })
  assert.equal(resolvePeer(BEN, sources({}))?.peer, BEN)
  assert.throws(() => resolvePeer(ME, sources({})), /this peer itself/)
  assert.equal(resolvePeer('Ben', sources({})), undefined)
  const members = { meshes: [mesh('joined', [member(BEN, 'Ben'), member(ME, 'Ana')])] }
  assert.equal(resolvePeer('ben', sources(members))?.peer, BEN)
  assert.equal(resolvePeer('Ben', sources(members, { [CLEO]: 'Ben' }))?.peer, CLEO, 'mine before theirs')
  assert.equal(resolvePeer('Ben', sources({ meshes: [mesh('waiting', [member(BEN, 'Ben')])] })), undefined, 'not admitted yet')
  assert.throws(() => resolvePeer('Ben', sources({ peers: [peer(BEN, 'Ben')] })), new RegExp(`calls itself so:\\n {2}${BEN}`))
  assert.throws(() => resolvePeer('x', sources({}, { [BEN]: 'X', [CLEO]: 'x\u200b ', [ME]: 'x' })), /2 peers are called "x"/)
  assert.equal(resolvePeer('X', sources({}, { [BEN]: 'X', [CLEO]: 'x' }))?.peer, BEN, 'spelled exactly so')
  assert.equal(resolvePeer('', sources({ peers: [peer(BEN, '')] })), undefined)
})

test('texts of others move no cursor', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.ok(!/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200b]/u.test(printable(text)))
      assert.ok(!/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(printableText(text)))
    }),
    { numRuns: FUZZ_RUNS },
  )
})

test('parseDuration() and parseCount() read what people type', () => {
  assert.deepEqual(
    ['90', '30s', '1.5m', '2h', '7d', '0'].map((text) => parseDuration(text, '--wait')),
    [90_000, 30_000, 90_000, 7_200_000, 604_800_000, 0],
  )
  for (const text of ['', 's', '-1', '1e9', '5 m', '400d', 'NaN', '1w']) assert.throws(() => parseDuration(text, '--wait'), /--wait is/)
  assert.equal(parseCount('7', '--uses', 10), 7)
  for (const text of ['0', '11', '1.5', 'x', '']) assert.equal(codeOf(thrownBy(() => parseCount(text, '--uses', 10))), 'BAD_ARGUMENT')
})

function thrownBy(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

test('sizes and times are short', () => {
  assert.deepEqual([0, 999, 1_000, 1_550_000, 123_456_789, 2e12, 3e15].map(sizeText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.6 MB',
    '123 MB',
    '2.0 TB',
    '3000 TB',
  ])
  assert.deepEqual([0.2, 59, 61, 3_661].map(timeText), ['1 s', '59 s', '1 min 1 s', '1 h 1 min'])
})

test('mapOf() puts direct peers first, others under their relay, those away last', () => {
  const relays = [{ id: 'R', name: 'home.example', status: 'reserved' as const, rtt: 5 }]
  const branches = mapOf(state({ relays, peers: [peer(BEN, 'Ben'), peer(CLEO, 'Cleo', { path: 'direct' }), peer(ME, 'Old', { path: 'away' })] }))
  assert.deepEqual(
    branches.map(({ over, name, peers }) => [over, name, peers.map((one) => one.name).join()]),
    [
      ['direct', 'directly', 'Cleo'],
      ['relay', 'home.example', 'Ben'],
      ['away', 'away', 'Old'],
    ],
  )
})

test('whyText() names each way and what blocked it', () => {
  const text = whyText(
    {
      path: 'relayed',
      candidates: [
        { kind: 'relayed', relay: 'R', outcome: 'used', ms: 12.4 },
        {
          kind: 'direct',
          transport: 'webrtc',
          what: 'WebRTC, 2 local and 0 remote candidates',
          outcome: 'failed',
          code: 'TIMEOUT',
          obstacle: 'no-udp-there',
          ms: 15_000,
        },
      ],
    },
    [{ id: 'R', name: 'home\u001b[2J.example' }],
  )
  assert.deepEqual(text.split('\n'), [
    'now relayed; ways to this peer:',
    '  relayed by home [2J.example: in use, 12 ms',
    '  direct over webrtc (WebRTC, 2 local and 0 remote candidates): failed, 15000 ms',
    '    UDP is blocked on the other side',
  ])
})

test('createWatch() ends with the transfer, and when its peer is gone', () => {
  const info = { id: 'a', status: 'running', done: 5, size: 10 } as TransferInfo
  const seen: number[] = []
  const watch = createWatch('a', ({ done }) => void seen.push(done))
  assert.equal(watch([]), undefined, 'not told yet')
  assert.equal(watch([info]), undefined)
  assert.equal(watch([{ ...info, status: 'done' }])?.status, 'done')
  let end: TransferInfo | undefined
  for (let i = 0; i < 50 && !end; i++) end = watch([])
  assert.deepEqual([end?.status, end?.problem?.code, seen], ['failed', 'PATH_LOST', [5]])
})

test('qrText() draws a code that a scanner reads', () => {
  const link = `http://dmesh.localhost:8421/#join=${'aB3_-.'.repeat(150)}`
  const rows = qrText(link, false).split('\n')
  const width = Math.max(...rows.map((row) => row.length)) + 2
  const scale = 4
  const height = rows.length * 2
  const data = new Uint8Array(width * height * scale * scale * 4).fill(255)
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x++)
      for (const half of [0, 1])
        if (row[x] === '█' || row[x] === (half === 0 ? '▀' : '▄'))
          for (let dy = 0; dy < scale; dy++)
            for (let dx = 0; dx < scale; dx++)
              data.fill(
                0,
                (((y * 2 + half) * scale + dy) * width * scale + x * scale + dx) * 4,
                (((y * 2 + half) * scale + dy) * width * scale + x * scale + dx) * 4 + 3,
              )
  })
  assert.equal(decodeQR({ width: width * scale, height: height * scale, data }), link)
  const [first = ''] = qrText('x', true).split('\n')
  assert.ok(first.startsWith('\u001b[30;107m') && first.endsWith('\u001b[0m'), 'black on white')
})
