/** The commands that only ask what runs, a relay or a terminal peer, over its local API: id, status, log, healthcheck, and those about rights. Each prints for people, or JSON with --json. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MeshError } from '../../src/shared/errors.ts'
import { defaultDataDir } from '../config/config.ts'
import { EXIT } from '../exit-codes.ts'
import { createLocalClient, type LocalClient } from '../local-api/client.ts'
import { localPaths } from '../local-api/protocol.ts'
import { parseRequest } from '../local-api/requests.ts'
import { findDataDir } from './find-data-dir.ts'
import { GRANT_COMMANDS, GRANT_OPTIONS, type GrantFlags } from './grants.ts'
import type { Terminal } from './terminal.ts'

interface Asked {
  readonly client: LocalClient
  readonly out: (text: string) => void
  readonly json: boolean
  readonly positionals: readonly string[]
  readonly terms: GrantFlags
}

type Command = (asked: Asked) => Promise<number>

export const ASK_COMMANDS: Readonly<Record<string, Command>> = { id, status, log, healthcheck, ...GRANT_COMMANDS }

/** Resolves with the exit code. */
export function ask(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    'data-dir': { type: 'string' },
    config: { type: 'string' },
    ...GRANT_OPTIONS,
  } as const
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', `${(error as Error).message.split('. To ')[0]}. See: dmesh --help`, { cause: error })
  }
  const { json = false, 'data-dir': dataDir, config, ...terms } = parsed.values
  const client = createLocalClient(findRunning(dataDir, config, terminal))
  return command({ client, out: terminal.out, json, positionals: parsed.positionals, terms })
}

/** Without --data-dir the relay's, unless only a terminal peer runs. */
function findRunning(flag: string | undefined, config: string | undefined, terminal: Terminal): string {
  const relay = defaultDataDir(terminal.root, terminal.env)
  const peer = findDataDir(flag, config, terminal)
  const chosen = flag ?? config ?? terminal.env.DMESH_DATA_DIR ?? terminal.env.DMESH_CONFIG
  return chosen === undefined && (existsSync(localPaths(relay).socket) || !existsSync(localPaths(peer).socket)) ? relay : peer
}

async function id({ client, out, json }: Asked): Promise<number> {
  const answer = await client.id()
  if (json) out(JSON.stringify(answer, undefined, 2))
  else out([answer.ID, ...answer.Addresses.map((address) => `  ${address}`), answer.AgentVersion].join('\n'))
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
