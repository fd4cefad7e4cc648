/** What was said and what waits, kept in the record store. Every step is one transaction, and memory follows only when it is stored: after a crash at any point a message is either still waiting or delivered, never both and never neither. */
import type { MeshSettings, MessageInfo } from '../../core/mesh.ts'
import type { RecordStore, RecordWrite } from '../../core/stores.ts'
import { createSerial } from '../../shared/async.ts'
import { DEFAULT_SETTINGS, MAX_CHANGES } from './limits.ts'
import { type Change, openLines } from './lines.ts'
import { type Entry, openQueue, type Waiting } from './queue.ts'
import { openSeen } from './seen.ts'

export interface Outgoing {
  readonly id: string
  readonly peer: string
  readonly topic: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly text?: string
  /** ms since 1970. */
  readonly at: number
}

export type Incoming = Omit<MessageInfo, 'direction' | 'status'>

export interface History {
  messages(): readonly MessageInfo[]
  /** Keeps it until it is delivered, and shows it. OUTBOX_FULL. */
  send(message: Outgoing): Promise<void>
  /** How many wait for this peer. */
  waiting(peer: string): number
  /** Peers for whom a message or a mark waits. */
  peersWaiting(): readonly string[]
  /** The oldest for this peer. */
  next(peer: string): Promise<(Waiting & { readonly entry: Entry }) | undefined>
  /** The other side has it. The changed line, if it is still kept. */
  delivered(entry: Entry): Promise<MessageInfo | undefined>
  /** Gives up what waited too long by `now`. The lines that say so. */
  expire(now: number): Promise<readonly MessageInfo[]>
  /** Stores what came from a peer. False when it came before: then nothing changes. */
  receive(message: Incoming): Promise<boolean>
  /** I read up to this message of theirs, or the newest. The lines that changed. */
  read(peer: string, id: string | undefined): Promise<readonly MessageInfo[]>
  /** They read up to this message of mine. The lines that changed. */
  readByThem(peer: string, id: string): Promise<readonly MessageInfo[]>
  /** The id up to which they have to be told that I read. */
  untold(peer: string): string | undefined
  told(peer: string, id: string): Promise<void>
  settings(): MeshSettings
  configure(settings: Partial<MeshSettings>): Promise<void>
}

/** Record with the settings. */
const SETTINGS = 'messages'

export async function openHistory(records: RecordStore): Promise<History> {
  const lines = await openLines(records)
  const queue = await openQueue(records)
  const seen = await openSeen(records, lines.knows)
  let settings: MeshSettings = { ...DEFAULT_SETTINGS, ...(await records.get<Partial<MeshSettings>>('setting', SETTINGS)) }
  const serial = createSerial(MAX_CHANGES)

  const commit = async (...changes: readonly Change[]) => {
    await records.batch(changes.flatMap(({ writes }) => writes))
    for (const { apply } of changes) apply()
    await sweep()
  }
  /** What had to go for others. A failure costs room, not truth: the next start finds it again. */
  const sweep = async () => {
    const gone = lines.takeGone()
    if (gone.length > 0)
      await records.batch(gone.map((key): RecordWrite => ({ collection: 'message', key, value: undefined }))).catch(() => undefined)
  }
  const mark = (peer: string, whose: 'mine' | 'theirs', id: string | undefined) =>
    serial(async () => {
      const change = lines.read(peer, whose, id, whose === 'theirs' && settings.sendReceipts)
      if (!change) return []
      await commit(change)
      return change.changed
    })
  /** It waits no more; its line says why. */
  const settle = async (entry: Entry, status: 'delivered' | 'expired') => {
    const line = await lines.turn(entry.line, status)
    await commit(queue.remove(entry), line)
    return line.info
  }
  await sweep()

  return {
    messages: lines.shown,
    send: ({ text, ...message }) =>
      serial(async () => {
        const { id, peer, topic, body, at } = message
        queue.check(peer, body.byteLength)
        const line = lines.add({ id, peer, topic, direction: 'out', text, size: body.byteLength, status: 'waiting', at })
        await commit(line, queue.add({ ...message, isText: text !== undefined, line: line.key }))
      }),
    waiting: queue.count,
    peersWaiting: () => [...new Set([...queue.peers(), ...lines.peersUntold()])],
    next: (peer) =>
      serial(async () => {
        for (let entry = queue.first(peer); entry; entry = queue.first(peer)) {
          const stored = await records.get<Waiting>('outbox', entry.key)
          if (stored) return { ...stored, entry }
          queue.remove(entry).apply() // the store was emptied under us
        }
        return undefined
      }),
    delivered: (entry) => serial(() => settle(entry, 'delivered')),
    expire: (now) =>
      serial(async () => {
        const changed: MessageInfo[] = []
        for (let entry = queue.tooOld(now); entry; entry = queue.tooOld(now)) {
          const line = await settle(entry, 'expired')
          if (line) changed.push(line)
        }
        return changed
      }),
    receive: (message) =>
      serial(async () => {
        if (await seen.has(message.peer, message.id)) return false
        await commit(lines.add({ ...message, direction: 'in', status: 'delivered' }), await seen.add(message.peer, message.id))
        return true
      }),
    read: (peer, id) => mark(peer, 'theirs', id),
    readByThem: (peer, id) => mark(peer, 'mine', id),
    untold: (peer) => (settings.sendReceipts ? lines.untold(peer) : undefined),
    told: (peer, id) => serial(() => commit(lines.told(peer, id))),
    settings: () => settings,
    configure: (change) =>
      serial(async () => {
        const next = { ...settings, ...change }
        const silence = next.sendReceipts ? [] : lines.peersUntold().map((peer) => lines.told(peer, lines.untold(peer) as string))
        await commit({ writes: [{ collection: 'setting', key: SETTINGS, value: next }], apply: () => void (settings = next) }, ...silence)
      }),
  }
}
