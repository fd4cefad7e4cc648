/** A Mesh made of memory, for tests of the page: it does what it is told, records every call, and a test can push any state into it. Never shipped. */
import type { PolicyRow } from '../../../src/core/access.ts'
import type { Mesh, MeshEvents, MeshState, MessageInfo, PeerInfo, TransferInfo } from '../../../src/core/mesh.ts'
import { type ErrorCode, MeshError } from '../../../src/shared/errors.ts'
import { fakeMeshes } from './fake-meshes.ts'

export interface FakeMesh {
  readonly mesh: Mesh
  /** Method names with their plain arguments, oldest first. */
  readonly calls: readonly (readonly [string, ...unknown[]])[]
  change(part: Partial<MeshState>): void
  changeTransfer(id: string, part: Partial<TransferInfo>): void
  emit<K extends keyof MeshEvents>(type: K, detail: MeshEvents[K]): void
  /** The next calls of `method` reject with this code. */
  fail(method: string, code: ErrorCode | undefined): void
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
    settings: { sendReceipts: true },
    meshes: [],
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

/** What the parts of the fake share. */
interface FakeCore {
  state: MeshState
  change(part: Partial<MeshState>): void
  changeTransfer(id: string, part: Partial<TransferInfo>): void
  /** Note the call; throws where a test asked for a failure. */
  record(name: string, ...args: unknown[]): void
  nextId(prefix: string): string
}

export function createFakeMesh(initial: MeshState = emptyFakeState()): FakeMesh {
  const calls: [string, ...unknown[]][] = []
  const failing = new Map<string, ErrorCode>()
  const target = new EventTarget()
  const emit = <K extends keyof MeshEvents>(type: K, detail: MeshEvents[K]) => void target.dispatchEvent(new CustomEvent(type, { detail }))
  let next = 1
  const core: FakeCore = {
    state: initial,
    change(part) {
      core.state = { ...core.state, ...part }
      emit('statechange', core.state)
    },
    changeTransfer(id, part) {
      core.change({ transfers: core.state.transfers.map((one) => (one.id === id ? { ...one, ...part } : one)) })
      const changed = core.state.transfers.find((one) => one.id === id)
      if (changed) emit('transferchange', changed)
    },
    record(name, ...args) {
      calls.push([name, ...args])
      const code = failing.get(name)
      if (code) throw new MeshError(code, `${name} failed on purpose`)
    },
    nextId: (prefix) => `${prefix}${next++}`,
  }
  return {
    mesh: meshOf(core, target),
    calls,
    change: core.change,
    changeTransfer: core.changeTransfer,
    emit,
    fail: (method, code) => {
      if (code) failing.set(method, code)
      else failing.delete(method)
    },
  }
}

function meshOf(core: FakeCore, target: EventTarget): Mesh {
  const noStreams = async (): Promise<never> => {
    throw new MeshError('NOT_SUPPORTED', 'the fake has no streams')
  }
  return {
    get peer() {
      return core.state.peer
    },
    get vip() {
      return core.state.vip
    },
    get state() {
      return core.state
    },
    get peers() {
      return core.state.peers
    },
    files: filesOf(core),
    policy: policyOf(core),
    relays: {
      add: async (origin) => core.record('relays.add', origin),
      remove: async (origin) => core.record('relays.remove', origin),
    },
    grant: async (grant) => {
      core.record('grant', grant)
      return core.nextId('grant:')
    },
    revoke: async (id) => core.record('revoke', id),
    explain: noStreams,
    why: async (peer) => ({ path: core.state.peers.find(({ id }) => id === peer)?.path ?? 'away', candidates: [] }),
    meshes: fakeMeshes(core),
    find: async () => [],
    open: noStreams,
    fetch: noStreams,
    serve: noStreams,
    handle: noStreams,
    async send(peer, topic, data) {
      core.record('send', peer, topic, data)
      const id = core.nextId('m')
      const text = typeof data === 'string' ? data : undefined
      core.change({
        messages: [...core.state.messages, { id, peer, direction: 'out', topic, text, size: data.length, status: 'waiting', at: Date.now() }],
      })
      return id
    },
    async read(peer, messageId) {
      core.record('read', peer, messageId)
      const theirs = (one: MessageInfo) => one.peer === peer && one.direction === 'in'
      core.change({ messages: core.state.messages.map((one) => (theirs(one) ? { ...one, status: 'read' } : one)) })
    },
    async configure(settings) {
      core.record('configure', settings)
      core.change({ settings: { ...core.state.settings, ...settings } })
    },
    publish: noStreams,
    subscribe: noStreams,
    async ping(peer) {
      core.record('ping', peer)
      return 4.2
    },
    async rename(name, peer) {
      core.record('rename', name, peer)
      core.change(peer ? { peers: core.state.peers.map((one): PeerInfo => (one.id === peer ? { ...one, name } : one)) } : { name })
    },
    addEventListener(type, listen, options) {
      target.addEventListener(type, (event) => listen({ type, detail: (event as CustomEvent).detail }), options)
    },
    close: async () => core.record('close'),
  }
}

function filesOf(core: FakeCore): Mesh['files'] {
  const answer = (name: string, status: TransferInfo['status']) => async (id: string) => {
    core.record(`files.${name}`, id)
    core.changeTransfer(id, { status })
  }
  return {
    async offer(peer, source, options) {
      const name = options?.name ?? source.name ?? 'file'
      core.record('files.offer', peer, name, source.size)
      const id = core.nextId('t')
      const { size, type } = source
      const transfer: TransferInfo = { id, peer, direction: 'out', name, size, type, done: 0, rate: 0, status: 'offered', at: Date.now() }
      core.change({ transfers: [...core.state.transfers, transfer] })
      return id
    },
    accept: answer('accept', 'running'),
    decline: answer('decline', 'declined'),
    cancel: answer('cancel', 'cancelled'),
    pause: answer('pause', 'paused'),
    resume: answer('resume', 'waiting'),
    async open(id) {
      core.record('files.open', id)
      return new Blob(['received bytes'])
    },
    async remove(id) {
      core.record('files.remove', id)
      core.change({ transfers: core.state.transfers.filter((one) => one.id !== id) })
    },
  }
}

function policyOf(core: FakeCore): Mesh['policy'] {
  let rows = ROWS
  return {
    rows: async () => rows,
    async put(row) {
      core.record('policy.put', row)
      rows = rows.map((one) => (one.id === row.id ? row : one))
    },
    async remove(id) {
      core.record('policy.remove', id)
      rows = rows.filter((one) => one.id !== id)
    },
  }
}
