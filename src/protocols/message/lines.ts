/** The lines of all conversations: which are kept, which are shown, up to where each side has read. Plans changes and applies them once they are stored; it writes nothing by itself. */
import type { MessageInfo } from '../../core/mesh.ts'
import type { RecordStore, RecordWrite } from '../../core/stores.ts'
import { createKept, type Line } from './kept.ts'
import { MAX_KEPT, MAX_KNOWN, MAX_MARKS, MAX_SHOWN, MAX_STRANGERS_SHOWN } from './limits.ts'

/** Writes that belong together, and what is true in memory once they are on disk. */
export interface Change {
  readonly writes: readonly RecordWrite[]
  apply(): void
}

/** Up to which line each side has read, by key. `tell` = id that the peer has still to be told. */
interface Mark {
  readonly mine?: string
  readonly theirs?: string
  readonly tell?: string
}

export interface Lines {
  /** Newest last. */
  shown(): readonly MessageInfo[]
  /** I wrote to this peer. */
  knows(peer: string): boolean
  /** A new line at the end. Its key goes into `key`. */
  add(message: MessageInfo): Change & { readonly key: string }
  /** Another status for the line under `key`; `info` is undefined when it is kept no more. */
  turn(key: string, status: MessageInfo['status']): Promise<Change & { readonly info?: MessageInfo }>
  /** I read (`theirs`) or they read (`mine`) up to the message `id`, default the newest. Undefined when that is nothing new. `changed` = lines shown, as they become. */
  read(
    peer: string,
    whose: 'mine' | 'theirs',
    id: string | undefined,
    tell: boolean,
  ): (Change & { readonly changed: readonly MessageInfo[] }) | undefined
  /** Id up to which the peer has still to be told that I read. */
  untold(peer: string): string | undefined
  peersUntold(): readonly string[]
  /** Told, or not to be told any more. */
  told(peer: string, id: string): Change
  /** Keys of lines that had to go since the last call. */
  takeGone(): readonly string[]
}

interface Shown {
  readonly key: string
  readonly info: MessageInfo
}

/** Record with the peers I wrote to, in the order of the first time. */
const KNOWN_PEERS = 'written'
const MARK = 'read '

/** Reads what is kept. */
export async function openLines(records: RecordStore): Promise<Lines> {
  const rows = await records.list<MessageInfo>('message', { limit: MAX_KEPT * 2 })
  const marks = new Map(
    (await records.list<Mark>('setting', { prefix: MARK, limit: MAX_MARKS })).map(([key, mark]) => [key.slice(MARK.length), mark]),
  )
  const known = new Set(await records.get<readonly string[]>('setting', KNOWN_PEERS))
  for (const [, { peer, direction }] of rows) if (direction === 'out') known.add(peer)
  const knows = (peer: string) => known.has(peer)
  const kept = createKept(knows)
  let gone: string[] = []
  let place = Math.max(0, ...rows.slice(-1).map(([key]) => Number.parseInt(key, 10) || 0))
  const see = ({ key, info }: Shown): Shown => ({ key, info: { ...info, status: statusOf(key, info, marks.get(info.peer)) } })
  for (const [key, info] of rows) gone.push(...kept.add(lineOf(key, info)))
  const choose = (all: readonly Shown[]) => chooseShown(all, knows)
  let shown: readonly Shown[] = []
  let infos: readonly MessageInfo[] = []
  const show = (next: readonly Shown[]) => {
    shown = next
    infos = next.map(({ info }) => info)
  }
  show(choose(rows.map(([key, info]) => see({ key, info }))))
  const keepMark = (peer: string, mark: Mark): readonly RecordWrite[] => {
    const first = marks.has(peer) || marks.size < MAX_MARKS ? undefined : marks.keys().next().value
    const own = { collection: 'setting', key: MARK + peer, value: mark } as const
    return first === undefined ? [own] : [own, { collection: 'setting', key: MARK + first, value: undefined }]
  }
  const setMark = (peer: string, mark: Mark) => {
    if (!marks.has(peer) && marks.size >= MAX_MARKS) marks.delete(marks.keys().next().value as string)
    marks.set(peer, mark)
  }
  const befriended = (peer: string) => [...known, peer].slice(-MAX_KNOWN)

  return {
    shown: () => infos,
    knows,
    add(info) {
      const isNew = info.direction === 'out' && !known.has(info.peer)
      // Never the same twice and never back, whatever the clock does: the order on the screen is that of arrival.
      place = Math.max(place + 1, info.at)
      const key = `${String(place).padStart(15, '0')} ${info.id}`
      const friends: RecordWrite[] = isNew ? [{ collection: 'setting', key: KNOWN_PEERS, value: befriended(info.peer) }] : []
      return {
        key,
        writes: [{ collection: 'message', key, value: info }, ...friends],
        apply() {
          if (isNew) {
            const next = befriended(info.peer)
            known.clear()
            for (const peer of next) known.add(peer)
            gone.push(...kept.befriend(info.peer))
          }
          gone.push(...kept.add(lineOf(key, info)))
          show(choose([...shown, see({ key, info })]))
        },
      }
    },
    async turn(key, status) {
      const stored = await records.get<MessageInfo>('message', key)
      if (!stored) return { writes: [], apply: () => undefined }
      const next = { key, info: { ...stored, status } }
      return {
        info: see(next).info,
        writes: [{ collection: 'message', key, value: next.info }],
        apply() {
          show(shown.map((one) => (one.key === key ? see(next) : one)))
        },
      }
    },
    read(peer, whose, id, tell) {
      const direction = whose === 'mine' ? 'out' : 'in'
      const line = kept.of(peer).findLast((one) => one.direction === direction && (id === undefined || one.id === id))
      const old = marks.get(peer)
      if (!line || line.key <= (old?.[whose] ?? '')) return undefined
      const mark: Mark = { ...old, [whose]: line.key, ...(tell ? { tell: line.id } : {}) }
      const turned = shown
        .filter(({ info }) => info.peer === peer && info.direction === direction)
        .map((one) => ({ before: one.info.status, key: one.key, info: { ...one.info, status: statusOf(one.key, one.info, mark) } }))
        .filter(({ before, info }) => info.status !== before)
      const byKey = new Map(turned.map((one) => [one.key, one]))
      return {
        changed: turned.map(({ info }) => info),
        writes: keepMark(peer, mark),
        apply() {
          setMark(peer, mark)
          show(shown.map((one) => byKey.get(one.key) ?? one))
        },
      }
    },
    untold: (peer) => marks.get(peer)?.tell,
    peersUntold: () => [...marks].flatMap(([peer, { tell }]) => (tell ? [peer] : [])),
    told(peer, id) {
      const { tell, ...rest } = marks.get(peer) ?? {}
      if (tell !== id) return { writes: [], apply: () => undefined }
      return { writes: keepMark(peer, rest), apply: () => setMark(peer, rest) }
    },
    takeGone() {
      const taken = gone
      gone = []
      return taken
    },
  }
}

function lineOf(key: string, { id, peer, direction, size }: MessageInfo): Line {
  return { key, id, peer, direction, size }
}

/** What is stored says how far it got; the mark says whether it was read. */
function statusOf(key: string, { direction, status }: MessageInfo, mark: Mark | undefined): MessageInfo['status'] {
  if (status === 'expired') return status
  return key <= ((direction === 'out' ? mark?.mine : mark?.theirs) ?? '') ? 'read' : status
}

/** The newest lines, of strangers no more than their part of them. */
function chooseShown(lines: readonly Shown[], knows: (peer: string) => boolean): readonly Shown[] {
  let strangers = lines.reduce((count, { info }) => count + Number(!knows(info.peer)), 0)
  return lines.filter(({ info }) => knows(info.peer) || strangers-- <= MAX_STRANGERS_SHOWN).slice(-MAX_SHOWN)
}
