/** `dmesh publish` and `dmesh subscribe`: topics, a message a line. */
import { createInterface } from 'node:readline'
import { toUtf8 } from '../../src/shared/bytes.ts'
import { EXIT } from '../exit-codes.ts'
import { parseCount } from './durations.ts'
import { findMesh } from './find-mesh.ts'
import type { CommandCall } from './peer-command.ts'
import { printable, printableText } from './printable.ts'
import { whenReachable } from './ready.ts'

export async function publish(call: CommandCall): Promise<number> {
  const [topic = '', text] = call.args
  const connected = await call.open()
  await whenReachable(connected)
  const mesh = call.option('mesh') === undefined ? undefined : findMesh(connected.follow.state(), call.option('mesh')).id
  if (text !== undefined) await connected.client.publish(topic, toUtf8(text), mesh)
  else
    for await (const line of createInterface({ input: call.terminal.input, signal: call.signal }))
      await connected.client.publish(topic, toUtf8(line), mesh)
  return EXIT.ok
}

export async function subscribe(call: CommandCall): Promise<number> {
  const { terminal, json, option, args, signal } = call
  const most = option('count') === undefined ? Number.POSITIVE_INFINITY : parseCount(option('count') ?? '', '--count', 1_000_000_000)
  const connected = await call.open()
  await whenReachable(connected)
  const { client, follow } = connected
  const mesh = option('mesh') === undefined ? {} : { mesh: findMesh(follow.state(), option('mesh')).id }
  let seen = 0
  for await (const line of client.subscribe({ topic: args[0] ?? '', ...mesh }, signal)) {
    if (line.type === 'joined') {
      terminal.note(`listening to ${printable(args[0] ?? '')}`)
      continue
    }
    const { peer, text } = line.detail
    const name = follow.state().peers.find(({ id }) => id === peer)?.name ?? ''
    if (json) terminal.out(JSON.stringify(line.detail))
    else terminal.out(`${printable(name, peer)}: ${text === undefined ? '(bytes; --json shows them)' : printableText(text)}`)
    if (++seen >= most) return EXIT.ok
  }
  return EXIT.ok
}
