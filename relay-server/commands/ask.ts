/** The commands that ask a running relay over its local API: id, peers, status, ping, log, healthcheck. Each prints for people, or JSON with --json. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { sleep } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import { defaultDataDir, readConfigFile } from '../config/config.ts'
import { EXIT } from '../exit-codes.ts'
import { createLocalClient, type LocalClient } from '../local-api/client.ts'
import type { PingAnswer } from '../local-api/protocol.ts'
import { parseRequest } from '../local-api/requests.ts'
import type { Terminal } from './terminal.ts'

interface Asked {
  readonly client: LocalClient
  readonly out: (text: string) => void
  readonly json: boolean
  readonly positionals: readonly string[]
  readonly untilDirect: boolean
  /** undefined = not said. */
  readonly count: number | undefined
}

type Command = (asked: Asked) => Promise<number>

const PING_GAP = 1_000 // ms between pings, as ping(8)
const MAX_UNTIL_DIRECT = 60 // pings before giving up on a direct path

export const ASK_COMMANDS: Readonly<Record<string, Command>> = { id, peers, status, ping, log, healthcheck }

/** Resolves with the exit code. */
export function ask(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    'data-dir': { type: 'string' },
    config: { type: 'string' },
    'until-direct': { type: 'boolean' },
    count: { type: 'string' },
  } as const
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', `${(error as Error).message.split('. To ')[0]}. See: dmesh --help`, { cause: error })
  }
  const { values, positionals } = parsed
  const count = values.count === undefined ? undefined : Number(values.count)
  if (count !== undefined && !(Number.isInteger(count) && count > 0 && count <= 1_000_000))
    throw new MeshError('BAD_ARGUMENT', `--count is "${values.count}"; write a number from 1`)
  const client = createLocalClient(findDataDir(values['data-dir'], values.config, terminal))
  return command({ client, out: terminal.out, json: values.json ?? false, positionals, untilDirect: values['until-direct'] ?? false, count })
}

function findDataDir(flag: string | undefined, config: string | undefined, { env, root }: Terminal): string {
  const file = config ?? env.DMESH_CONFIG
  const given = flag ?? env.DMESH_DATA_DIR ?? (file ? readConfigFile(resolve(file))['data-dir'] : undefined)
  return given ? resolve(given) : defaultDataDir(root, env)
}

async function id({ client, out, json }: Asked): Promise<number> {
  const answer = await client.id()
  if (json) out(JSON.stringify(answer, undefined, 2))
  else out([answer.ID, ...answer.Addresses.map((address) => `  ${address}`), answer.AgentVersion].join('\n'))
  return EXIT.ok
}

async function peers({ client, out, json }: Asked): Promise<number> {
  const list = await client.peers()
  if (json) out(JSON.stringify(list, undefined, 2))
  else if (list.length === 0) out('Nobody is here.')
  else
    for (const { id: peer, name, path, transport, rtt } of list)
      out([peer, printable(name), path, transport ?? '', rtt === undefined ? '' : `${Math.round(rtt)} ms`].join('  '))
  return EXIT.ok
}

async function status({ client, out, json }: Asked): Promise<number> {
  const answer = await client.status()
  if (json) {
    out(JSON.stringify(answer, undefined, 2))
    return EXIT.ok
  }
  const { numbers, levels, problem, ...rest } = answer
  for (const [key, value] of Object.entries(rest)) out(`${key.padEnd(24)} ${value}`)
  for (const [key, value] of Object.entries(numbers)) out(`${key.padEnd(24)} ${value}`)
  out(
    `${'log'.padEnd(24)} ${Object.entries(levels)
      .map(([sub, level]) => `${sub}=${level}`)
      .join(',')}`,
  )
  if (problem) out(`access.json is not applied: ${problem}`)
  return EXIT.ok
}

async function ping({ client, out, json, positionals, untilDirect, count }: Asked): Promise<number> {
  const [peer, ...more] = positionals
  if (!peer || more.length > 0) throw new MeshError('BAD_ARGUMENT', 'ping needs one PEER; see: dmesh peers')
  const request = parseRequest('ping', { peer })
  const times = count ?? (untilDirect ? MAX_UNTIL_DIRECT : 4)
  const clock = systemClock()
  let last: PingAnswer | undefined
  let failure: unknown
  for (let i = 0; i < times; i++) {
    if (i > 0) await sleep(clock, PING_GAP)
    try {
      last = await client.ping(request)
      out(
        json
          ? JSON.stringify(last)
          : `pong from ${last.peer} ${last.path}${last.transport ? ` over ${last.transport}` : ''} in ${last.rtt.toFixed(1)} ms`,
      )
      if (untilDirect && last.path === 'direct') return EXIT.ok
    } catch (error) {
      if (!['TIMEOUT', 'PEER_UNREACHABLE', 'PATH_LOST', 'STREAM_RESET'].includes(codeOf(error))) throw error
      failure = error
      if (!json) out(`no answer: ${(error as Error).message}`)
    }
  }
  if (!last) throw failure
  if (untilDirect) throw new MeshError('PEER_UNREACHABLE', `${peer} was reached, but never directly`)
  return EXIT.ok
}

async function log({ client, out, positionals }: Asked): Promise<number> {
  const [subsystem, level, ...more] = positionals
  if (!subsystem || !level || more.length > 0) throw new MeshError('BAD_ARGUMENT', 'log needs a subsystem and a level, e.g. dmesh log relay debug')
  const levels = await client.setLevel(parseRequest('log', { subsystem, level }))
  out(
    Object.entries(levels)
      .map(([sub, now]) => `${sub}=${now}`)
      .join(','),
  )
  return EXIT.ok
}

async function healthcheck({ client, out }: Asked): Promise<number> {
  const { ready } = await client.status()
  out(ready ? 'ready' : 'not ready')
  return ready ? EXIT.ok : EXIT.notRunning
}

/** Names come from others: nothing in them may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '')
}
