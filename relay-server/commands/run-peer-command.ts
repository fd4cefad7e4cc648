/** Runs a command of the peer table: reads its options, finds its peer, ends with Ctrl-C in order. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { followPeer } from '../peer/follow.ts'
import { openSession, type Session } from '../peer/session.ts'
import { readVersion } from '../start-parts.ts'
import { directOptions } from './direct-options.ts'
import { findDataDir } from './find-data-dir.ts'
import type { CommandCall, Connected, PeerCommand } from './peer-command.ts'
import type { PersonTerminal } from './terminal.ts'

/** Resolves with the exit code. BAD_ARGUMENT, and what the command throws. */
export async function runPeerCommand(command: PeerCommand, args: readonly string[], terminal: PersonTerminal): Promise<number> {
  const { values, positionals } = readArgs(command, args)
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined)
  const ending = endWithSignals()
  let session: Session | undefined
  let connected: Promise<Connected> | undefined
  const connect = async () => {
    session = await openSession({ dataDir: call.dataDir, version: call.version, direct: directOptions(call) }, ending.signal)
    return { session, client: session.client, follow: await followPeer(session, ending.signal) }
  }
  const call: CommandCall = {
    terminal,
    args: positionals,
    option: text,
    has: (name) => values[name] === true,
    json: values.json === true,
    dataDir: findDataDir(text('data-dir'), text('config'), terminal, command.alsoRelay),
    version: readVersion(terminal.root),
    signal: ending.signal,
    open: () => (connected ??= connect()),
  }
  try {
    const run = await command.load()
    return await run(call)
  } catch (error) {
    // Whatever the interruption made of the work that ran.
    if (ending.signal.aborted) return command.endless ? EXIT.ok : EXIT.interrupted
    throw error
  } finally {
    terminal.progress('')
    ending.abort()
    await session?.close()
  }
}

function readArgs(command: PeerCommand, args: readonly string[]) {
  const options: ParseArgsOptionsConfig = { json: { type: 'boolean' }, 'data-dir': { type: 'string' }, config: { type: 'string' } }
  for (const [name, { value }] of Object.entries(command.options ?? {})) options[name] = { type: value ? 'string' : 'boolean' }
  const usage = `Usage: dmesh ${command.usage}`
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', `${(error as Error).message.split('. To ')[0]}. ${usage}`, { cause: error })
  }
  const [least, most] = command.takes
  const { length } = parsed.positionals
  if (length < least || length > most) throw new MeshError('BAD_ARGUMENT', usage)
  return parsed
}

/** The first Ctrl-C ends in order, the second at once. */
function endWithSignals(): { readonly signal: AbortSignal; abort(): void } {
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted)
    stop.abort(new MeshError('ABORTED', 'interrupted'))
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal)
  return { signal: stop.signal, abort: () => stop.abort(new MeshError('ABORTED', 'the command is over')) }
}
