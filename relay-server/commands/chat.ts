/** `dmesh chat`: a line in is a message out, a message in is a line out, and what became of mine. */
import { createInterface } from 'node:readline'
import type { MeshState, MessageInfo } from '../../src/core/mesh.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { MAX_CHAT_LINE } from '../peer/limits.ts'
import { parseDuration } from './durations.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { printable, printableText } from './printable.ts'
import { findPeer, whenReachable } from './ready.ts'
import type { Known } from './resolve-peer.ts'

const CHAT = 'chat' // the topic that the page shows

export async function chat(call: CommandCall): Promise<number> {
  const { terminal, json, args, option, signal } = call
  const wait = parseDuration(option('wait') ?? '10s', '--wait')
  const connected = await call.open()
  const { client, follow } = connected
  const known = await findPeer(connected, args[0] ?? '', terminal.note)
  if (!json) terminal.note(`Talking to ${printable(known.name, known.peer)}; Ctrl-D ends it.`)
  const mine = new Map<string, string>()
  const look = createListener(call, connected, known, mine)
  follow.on((event) => event.type === 'statechange' && look(event.detail), signal)
  look(follow.state())
  // A talk without a relay is kept, and goes out when there is one; but say so.
  whenReachable(connected).catch((error: unknown) => signal.aborted || terminal.note(`dmesh: ${(error as Error).message}`))
  const typing = (async () => {
    for await (const line of createInterface({ input: terminal.input, signal })) {
      if (line.trim() === '') continue
      const text = line.slice(0, MAX_CHAT_LINE)
      mine.set(await client.send(known.peer, CHAT, text), text)
      // It may have been delivered before its id was known here.
      look(follow.state())
    }
    if (signal.aborted) throw new MeshError('ABORTED', 'interrupted')
  })()
  await Promise.race([typing, follow.ended])
  const waiting = (state: MeshState) => state.messages.filter(({ id, status }) => mine.has(id) && status === 'waiting').length
  // The snapshot may be older than the last line.
  const all = (state: MeshState) => [...mine.keys()].every((id) => state.messages.some((one) => one.id === id)) && waiting(state) === 0
  await follow.until(all, { ms: wait, what: 'the last lines' }).catch((error: unknown) => {
    if (codeOf(error) !== 'TIMEOUT') throw error
    throw new MeshError(
      'PEER_UNREACHABLE',
      `${waiting(follow.state())} of ${mine.size} lines wait here until ${printable(known.name, 'the peer')} is back: dmesh up`,
    )
  })
  return EXIT.ok
}

/** Looks at each snapshot: prints what is new from the peer, marks it read, and tells what became of mine. */
function createListener({ terminal, json }: CommandCall, { client }: Connected, { peer, name }: Known, mine: ReadonlyMap<string, string>) {
  const shown = new Set<string>()
  const states = new Map<string, MessageInfo['status']>()
  const print = (one: MessageInfo) => {
    const time = new Date(one.at).toTimeString().slice(0, 5)
    if (json) terminal.out(JSON.stringify(one))
    else terminal.out(`${time} ${printable(name, peer)}: ${printableText(one.text ?? `(${one.size} bytes)`)}`)
  }
  return ({ messages }: MeshState) => {
    const talk = messages.filter((one) => one.peer === peer && one.topic === CHAT)
    const fresh = talk.filter((one) => one.direction === 'in' && one.status === 'delivered' && !shown.has(one.id))
    for (const one of fresh) {
      shown.add(one.id)
      print(one)
    }
    if (fresh.length > 0) client.read(peer).catch(() => undefined)
    for (const one of talk) {
      if (!mine.has(one.id) || states.get(one.id) === one.status || one.status === 'waiting') continue
      states.set(one.id, one.status)
      if (json) terminal.out(JSON.stringify(one))
      else terminal.note(`  ${one.status}: ${printable(mine.get(one.id) ?? '')}`)
    }
  }
}
