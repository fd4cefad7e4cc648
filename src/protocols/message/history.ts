/** What was said, kept in the record store: messages for the screen, the outbox, and the ids already received. Order is by arrival here. */
import type { MessageInfo } from '../../core/mesh.ts'
import type { RecordStore } from '../../core/stores.ts'
import { createKept } from './kept.ts'
import { MAX_KEPT, MAX_KNOWN, MAX_SEEN, MAX_SEEN_PEERS, MAX_SHOWN, MAX_STRANGERS_SHOWN, MAX_WAITING_PER_PEER } from './limits.ts'

export interface Waiting {
  readonly id: string
  readonly peer: string
  readonly topic: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly isText: boolean
  readonly at: number
  /** Position in the peer's queue; grows by one. */
  readonly order: number
}

export interface History {
  messages(): readonly MessageInfo[]
  add(message: MessageInfo): Promise<void>
  /** The changed line, if it is still shown. */
  delivered(id: string): Promise<MessageInfo | undefined>
  /** Oldest first. */
  waiting(peer: string): readonly Waiting[]
  peersWaiting(): readonly string[]
  enqueue(message: Omit<Waiting, 'order'>): Promise<void>
  dequeue(message: Waiting): Promise<void>
  /** True the first time an id comes from this peer. Remembered before the receipt is sent, so that a message arrives once. */
  firstTime(peer: string, id: string): Promise<boolean>
}

const key = (at: number, id: string) => `${String(at).padStart(15, '0')} ${id}`
/** Record with the peers whose ids are remembered, the one heard of last at the end. */
const SEEN_PEERS = 'seen'
/** Record with the peers I wrote to, in the order of the first time. */
const KNOWN_PEERS = 'written'
const seenKey = (peer: string) => `seen ${peer}`
const queueKey = (message: Pick<Waiting, 'peer' | 'order'>) => `${message.peer} ${String(message.order).padStart(12, '0')}`

export async function openHistory(records: RecordStore): Promise<History> {
  const rows = await records.list<MessageInfo>('message', { limit: MAX_KEPT * 2 })
  const known = new Set(await records.get<readonly string[]>('setting', KNOWN_PEERS))
  for (const [, { peer, direction }] of rows) if (direction === 'out') known.add(peer)
  const knows = (peer: string) => known.has(peer)
  const kept = createKept(knows)
  const keep = async (name: string, { peer, size }: MessageInfo) => {
    for (const gone of kept.add({ key: name, peer, size })) await records.delete('message', gone)
  }
  for (const [name, message] of rows) await keep(name, message)
  let shown = chooseShown(
    rows.map(([, message]) => message),
    knows,
  )
  const befriend = async (peer: string) => {
    if (known.has(peer)) return
    known.add(peer)
    for (const old of [...known].slice(0, Math.max(0, known.size - MAX_KNOWN))) known.delete(old)
    for (const gone of kept.befriend(peer)) await records.delete('message', gone)
    await records.put('setting', KNOWN_PEERS, [...known])
  }
  const queue = new Map<string, Waiting[]>()
  for (const [, message] of await records.list<Waiting>('outbox', { limit: MAX_WAITING_PER_PEER * 64 })) {
    queue.set(message.peer, [...(queue.get(message.peer) ?? []), message])
  }
  let order = Math.max(0, ...[...queue.values()].flat().map((message) => message.order))

  const seen = new Set(await records.get<readonly string[]>('setting', SEEN_PEERS))
  const remember = async (peer: string) => {
    const heard = seen.delete(peer)
    seen.add(peer)
    if (heard) return
    const excess = Math.max(0, seen.size - MAX_SEEN_PEERS)
    const oldest = [...[...seen].filter((one) => !knows(one) && one !== peer), ...[...seen].filter(knows)].slice(0, excess)
    for (const old of oldest) seen.delete(old)
    await records.put('setting', SEEN_PEERS, [...seen])
    for (const old of oldest) await records.delete('setting', seenKey(old))
  }

  return {
    messages: () => shown,
    async add(message) {
      if (message.direction === 'out') await befriend(message.peer)
      shown = chooseShown([...shown, message], knows)
      const name = key(message.at, message.id)
      await records.put('message', name, message)
      await keep(name, message)
    },
    async delivered(id) {
      const found = shown.find((message) => message.id === id)
      if (!found) return undefined
      const done = { ...found, status: 'delivered' as const }
      shown = shown.map((message) => (message.id === id ? done : message))
      await records.put('message', key(done.at, id), done)
      return done
    },
    waiting: (peer) => queue.get(peer) ?? [],
    peersWaiting: () => [...queue.keys()],
    async enqueue(message) {
      const entry: Waiting = { ...message, order: ++order }
      queue.set(message.peer, [...(queue.get(message.peer) ?? []), entry])
      await records.put('outbox', queueKey(entry), entry)
    },
    async dequeue(message) {
      const rest = (queue.get(message.peer) ?? []).filter(({ id }) => id !== message.id)
      if (rest.length > 0) queue.set(message.peer, rest)
      else queue.delete(message.peer)
      await records.delete('outbox', queueKey(message))
    },
    async firstTime(peer, id) {
      let isNew = false
      await remember(peer)
      await records.update<readonly string[]>('setting', seenKey(peer), (old = []) => {
        isNew = !old.includes(id)
        return isNew ? [...old, id].slice(-MAX_SEEN) : old
      })
      return isNew
    },
  }
}

/** The newest lines, of strangers no more than their part of them. */
function chooseShown(lines: readonly MessageInfo[], knows: (peer: string) => boolean): readonly MessageInfo[] {
  let strangers = lines.reduce((count, { peer }) => count + Number(!knows(peer)), 0)
  return lines.filter(({ peer }) => knows(peer) || strangers-- <= MAX_STRANGERS_SHOWN).slice(-MAX_SHOWN)
}
