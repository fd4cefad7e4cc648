/** A Mesh made of memory, for tests of the page: it does what it is told, records every call, and a test can push any state into it. Never shipped. */
import type { PolicyRow } from '../../../src/core/access.ts'
import type { Mesh, MeshEvents, MeshState, PeerInfo, TransferInfo } from '../../../src/core/mesh.ts'
import { MeshError } from '../../../src/shared/errors.ts'

export interface FakeMesh {
  readonly mesh: Mesh
  /** Method names with their plain arguments, oldest first. */
  readonly calls: readonly (readonly [string, ...unknown[]])[]
  change(part: Partial<MeshState>): void
  changeTransfer(id: string, part: Partial<TransferInfo>): void
  emit<K extends keyof MeshEvents>(type: K, detail: MeshEvents[K]): void
  /** The next calls of `method` reject with this code. */
  fail(method: string, code: 'LIMIT_REACHED' | 'PEER_UNREACHABLE' | undefined): void
}

export const ME = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'

export function emptyFakeState(): MeshState {
  return {
    status: 'relayed',
    peer: ME,
    vip: 'fd64:6d65:1a2b:3c4d:5e6f:7a8b:9c0d:1e2f',
    name: '',
    isNew: true,
    version: '0.1.0',
    relays: [],
    peers: [],
    transfers: [],
    messages: [],
    names: {
      peerId: ME,
      cid: 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8',
      didKey: 'did:key:z6MkrZ1r5XBFZjBU34qyD8fueMbMRkKw17BZaq2ivKFjnz2z',
      vip: 'fd64:6d65:1a2b:3c4d:5e6f:7a8b:9c0d:1e2f',
      oldVip: 'fd00::1',
      oldId: 'A'.repeat(52),
    },
  }
}

const ROWS: readonly PolicyRow[] = [
  { id: 'lobby-message', who: ['lobby'], may: ['message.send'], label: 'Send me messages', limits: { rate: 60 } },
  {
    id: 'lobby-file',
    who: ['lobby'],
    may: ['file.offer'],
    label: 'Offer me files; nothing arrives before I accept',
    limits: { rate: 30, concurrent: 16 },
  },
  { id: 'lobby-presence', who: ['lobby'], may: ['presence.join'], label: 'See that I am here, and my name' },
]

export function createFakeMesh(initial: MeshState = emptyFakeState()): FakeMesh {
  let state = initial
  let rows = ROWS
  let next = 1
  const calls: [string, ...unknown[]][] = []
  const failing = new Map<string, 'LIMIT_REACHED' | 'PEER_UNREACHABLE'>()
  const target = new EventTarget()
  const change = (part: Partial<MeshState>) => {
    state = { ...state, ...part }
    emit('statechange', state)
  }
  const emit = <K extends keyof MeshEvents>(type: K, detail: MeshEvents[K]) => target.dispatchEvent(new CustomEvent(type, { detail }))
  const record = (name: string, ...args: unknown[]) => {
    calls.push([name, ...args])
    const code = failing.get(name)
    if (code) throw new MeshError(code, `${name} failed on purpose`)
  }
  const changeTransfer = (id: string, part: Partial<TransferInfo>) => {
    change({ transfers: state.transfers.map((one) => (one.id === id ? { ...one, ...part } : one)) })
    const changed = state.transfers.find((one) => one.id === id)
    if (changed) emit('transferchange', changed)
  }
  const mesh: Mesh = {
    get peer() {
      return state.peer
    },
    get vip() {
      return state.vip
    },
    get state() {
      return state
    },
    get peers() {
      return state.peers
    },
    files: {
      async offer(peer, source, options) {
        record('files.offer', peer, options?.name ?? source.name, source.size)
        const id = `t${next++}`
        const transfer: TransferInfo = {
          id,
          peer,
          direction: 'out',
          name: options?.name ?? source.name ?? 'file',
          size: source.size,
          type: source.type,
          done: 0,
          rate: 0,
          status: 'offered',
          at: Date.now(),
        }
        change({ transfers: [...state.transfers, transfer] })
        return id
      },
      async accept(id) {
        record('files.accept', id)
        changeTransfer(id, { status: 'running' })
      },
      async decline(id) {
        record('files.decline', id)
        changeTransfer(id, { status: 'declined' })
      },
      async cancel(id) {
        record('files.cancel', id)
        changeTransfer(id, { status: 'cancelled' })
      },
      async open(id) {
        record('files.open', id)
        return new Blob(['received bytes'])
      },
      async remove(id) {
        record('files.remove', id)
        change({ transfers: state.transfers.filter((one) => one.id !== id) })
      },
    },
    policy: {
      rows: async () => rows,
      async put(row) {
        record('policy.put', row)
        rows = rows.map((one) => (one.id === row.id ? row : one))
      },
      async remove(id) {
        record('policy.remove', id)
        rows = rows.filter((one) => one.id !== id)
      },
    },
    async open() {
      throw new MeshError('NOT_SUPPORTED', 'the fake has no streams')
    },
    async handle() {
      throw new MeshError('NOT_SUPPORTED', 'the fake has no streams')
    },
    async send(peer, topic, data) {
      record('send', peer, topic, data)
      const id = `m${next++}`
      const text = typeof data === 'string' ? data : undefined
      change({ messages: [...state.messages, { id, peer, direction: 'out', topic, text, size: data.length, status: 'waiting', at: Date.now() }] })
      return id
    },
    async ping(peer) {
      record('ping', peer)
      return 4.2
    },
    async rename(name, peer) {
      record('rename', name, peer)
      change(peer ? { peers: state.peers.map((one): PeerInfo => (one.id === peer ? { ...one, name } : one)) } : { name })
    },
    addEventListener(type, listen, options) {
      target.addEventListener(type, (event) => listen({ type, detail: (event as CustomEvent).detail }), options)
    },
    async close() {
      record('close')
    },
  }
  return {
    mesh,
    calls,
    change,
    changeTransfer,
    emit,
    fail: (method, code) => {
      if (code) failing.set(method, code)
      else failing.delete(method)
    },
  }
}
