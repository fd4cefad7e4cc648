/** `dmesh receive`: takes offers by a rule, and moves what arrived into a directory; also what arrived before, while nobody looked. */
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { FOLDER_TYPE, type MeshState, type TransferInfo } from '../../src/core/mesh.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { nameOf, printableLine, sizeText } from './printable.ts'
import { findPeer, whenReachable } from './ready.ts'
import { saveFile } from './save-file.ts'
import { saveFolder } from './save-folder.ts'
import { transferText } from './watch-transfer.ts'

/** 'ask' = at the terminal. */
type Rule = 'all' | 'ask' | ReadonlySet<string>

export async function receive(call: CommandCall): Promise<number> {
  const { terminal, option, json } = call
  const accept = option('accept') ?? (terminal.isScreen.in && terminal.isScreen.err ? 'ask' : undefined)
  if (accept === undefined) throw new MeshError('BAD_ARGUMENT', 'Nobody can be asked here: say --accept all, or whose files to take: --accept PEER')
  const dir = resolve(option('dir') ?? '.')
  const connected = await call.open()
  const rule = await readRule(connected, accept, terminal.note)
  await whenReachable(connected)
  if (!json) terminal.note(`Waiting for files, into ${dir}`)
  const saved = Promise.withResolvers<void>()
  const desk = createDesk(call, connected, { rule, dir, saved: () => call.has('once') && saved.resolve() })
  connected.follow.on((event) => event.type === 'statechange' && desk.look(event.detail), call.signal)
  desk.look(connected.follow.state())
  await Promise.race([saved.promise, connected.follow.ended])
  return EXIT.ok
}

async function readRule(connected: Connected, accept: string, note: (text: string) => void): Promise<Rule> {
  if (accept === 'all' || accept === 'ask') return accept
  const peers = new Set<string>()
  for (const text of accept.split(',')) peers.add((await findPeer(connected, text.trim(), note)).peer)
  return peers
}

interface DeskOptions {
  readonly rule: Rule
  readonly dir: string
  readonly saved: () => void
}

/** Each transfer is answered once, and saved once. */
function createDesk(call: CommandCall, { client, follow }: Connected, { rule, dir, saved }: DeskOptions) {
  const { terminal, json, signal } = call
  const answered = new Set<string>()
  const told = new Set<string>()
  const nameBy = (peer: string) => nameOf({ id: peer, name: follow.state().peers.find(({ id }) => id === peer)?.name ?? '' })
  const ask = createQuestions(call)
  let asking: Promise<unknown> = Promise.resolve()
  const failed = (info: TransferInfo) => (error: unknown) => {
    // Somebody else answered, or it is over.
    if (codeOf(error) === 'BAD_ARGUMENT' || signal.aborted) return
    terminal.note(`${printableLine(info.name)}: ${printableLine((error as Error).message)}`)
  }
  const answer = async (info: TransferInfo) => {
    const takes = rule === 'all' || (rule === 'ask' ? await ask(info, nameBy(info.peer)) : rule.has(info.peer))
    await (takes ? client.files.accept(info.id) : client.files.decline(info.id))
  }
  const save = async (info: TransferInfo) => {
    const put = info.type === FOLDER_TYPE ? saveFolder : saveFile
    const path = await put(info, await client.files.content(info.id, signal), dir, signal)
    await client.files.remove(info.id)
    const { id, peer, name, size, sha256 } = info
    terminal.out(json ? JSON.stringify({ id, peer, name, size, sha256, path }) : `${path}  ${sizeText(size)}  from ${nameBy(peer)}  sha256 ${sha256}`)
    saved()
  }
  const isMine = ({ direction, peer }: TransferInfo) => direction === 'in' && (typeof rule === 'string' || rule.has(peer))
  const once = (seen: Set<string>, id: string) => !seen.has(id) && Boolean(seen.add(id))
  return {
    look({ transfers }: MeshState) {
      for (const info of transfers) {
        if (info.direction !== 'in') continue
        if (info.status === 'offered') {
          if (!once(answered, info.id)) continue
          if (rule === 'ask') asking = asking.then(() => answer(info)).catch(failed(info))
          else answer(info).catch(failed(info))
        } else if (info.status === 'running') terminal.progress(transferText(info, nameBy(info.peer)))
        else if (info.status === 'done' && isMine(info) && once(told, info.id)) save(info).catch(failed(info))
        else if (info.status === 'failed' && answered.has(info.id) && once(told, info.id))
          terminal.note(`${printableLine(info.name)} from ${nameBy(info.peer)}: ${printableLine(info.problem?.message ?? 'broke off')}`)
      }
    },
  }
}

/** Asks one after the other. No is the default, and the answer of an input that has ended. */
function createQuestions({ terminal, signal }: CommandCall): (info: TransferInfo, who: string) => Promise<boolean> {
  let lines: AsyncIterator<string> | undefined
  return async (info, who) => {
    terminal.note(`${who} offers ${printableLine(info.name)} (${sizeText(info.size)}). Take it? [y/N]`)
    // One reader for all: a second one would lose what the first has read ahead.
    lines ??= createInterface({ input: terminal.input, signal })[Symbol.asyncIterator]()
    const { value, done } = await lines.next()
    return done !== true && /^\s*y(es)?\s*$/i.test(value)
  }
}
