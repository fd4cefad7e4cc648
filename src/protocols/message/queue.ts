/** What waits to be sent, oldest first per peer: the order and the sizes are in memory, the bodies in the store alone. Plans its writes; they belong into the transaction that changes the line. */
import type { RecordStore } from '../../core/stores.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_WAIT, MAX_WAITING, MAX_WAITING_BYTES, MAX_WAITING_BYTES_PER_PEER, MAX_WAITING_PER_PEER } from './limits.ts'
import type { Change } from './lines.ts'

export interface Waiting {
  readonly id: string
  readonly peer: string
  readonly topic: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly isText: boolean
  /** ms since 1970, when send() was called. */
  readonly at: number
  /** Position in the queue; grows. */
  readonly order: number
  /** Key of its line. */
  readonly line: string
}

export type Entry = Omit<Waiting, 'body' | 'topic' | 'isText'> & { readonly key: string; readonly size: number }

export interface Queue {
  count(peer: string): number
  peers(): readonly string[]
  /** OUTBOX_FULL when there is no room for that many bytes. */
  check(peer: string, size: number): void
  add(message: Omit<Waiting, 'order'>): Change
  /** The oldest for this peer. */
  first(peer: string): Entry | undefined
  remove(entry: Entry): Change
  /** The oldest that waited too long by `now`. */
  tooOld(now: number): Entry | undefined
}

/** Reads what waits. */
export async function openQueue(records: RecordStore): Promise<Queue> {
  const queues = new Map<string, Entry[]>()
  let count = 0
  let bytes = 0
  let order = 0
  const put = (entry: Entry) => {
    const own = queues.get(entry.peer)
    if (own) own.push(entry)
    else queues.set(entry.peer, [entry])
    count++
    bytes += entry.size
    order = Math.max(order, entry.order)
  }
  const read = await records.list<Waiting>('outbox', { limit: MAX_WAITING })
  for (const [key, { body, topic: _, isText: __, ...rest }] of read)
    put({ ...rest, line: rest.line ?? `${String(rest.at).padStart(15, '0')} ${rest.id}`, key, size: body.byteLength })
  const of = (peer: string) => queues.get(peer) ?? []
  return {
    count: (peer) => of(peer).length,
    peers: () => [...queues.keys()],
    check(peer, size) {
      const own = of(peer)
      const ownBytes = own.reduce((sum, entry) => sum + entry.size, size)
      if (own.length >= MAX_WAITING_PER_PEER || ownBytes > MAX_WAITING_BYTES_PER_PEER)
        throw new MeshError('OUTBOX_FULL', `${own.length} messages with ${ownBytes - size} bytes wait for this peer`)
      if (count >= MAX_WAITING || bytes + size > MAX_WAITING_BYTES)
        throw new MeshError('OUTBOX_FULL', `${count} messages with ${bytes} bytes wait for ${queues.size} peers`)
    },
    add(message) {
      const waiting: Waiting = { ...message, order: ++order }
      const { body, topic: _, isText: __, ...rest } = waiting
      const key = `${message.peer} ${String(waiting.order).padStart(12, '0')}`
      return { writes: [{ collection: 'outbox', key, value: waiting }], apply: () => put({ ...rest, key, size: body.byteLength }) }
    },
    first: (peer) => of(peer)[0],
    remove(entry) {
      return {
        writes: [{ collection: 'outbox', key: entry.key, value: undefined }],
        apply() {
          const rest = of(entry.peer).filter(({ key }) => key !== entry.key)
          if (rest.length < of(entry.peer).length) {
            count--
            bytes -= entry.size
          }
          if (rest.length > 0) queues.set(entry.peer, rest)
          else queues.delete(entry.peer)
        },
      }
    },
    tooOld(now) {
      for (const [first] of queues.values()) if (first && first.at + MAX_WAIT < now) return first
      return undefined
    },
  }
}
