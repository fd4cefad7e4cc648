#!/usr/bin/env node
/** The command line, root of everything on Node.js: picks the command, turns failures into a sentence and an exit code. */
import { resolve } from 'node:path'
import { ERRORS } from '../src/shared/error-fixes.ts'
import { codeOf, MeshError, toMeshError } from '../src/shared/errors.ts'
import { address } from './commands/address.ts'
import { ASK_COMMANDS, ask } from './commands/ask.ts'
import { PEER_COMMANDS } from './commands/peer-table.ts'
import { runPeerCommand } from './commands/run-peer-command.ts'
import { type PersonTerminal, processTerminal } from './commands/terminal.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { renderCommandHelp, renderHelp } from './help.ts'
import { readVersion } from './start-parts.ts'

async function main([command, ...args]: readonly string[], terminal: PersonTerminal): Promise<number> {
  const { out, root } = terminal
  const peerCommand = command !== undefined && Object.hasOwn(PEER_COMMANDS, command) ? PEER_COMMANDS[command] : undefined
  if (command === undefined || command === 'help' || command === '--help' || command === '-h' || args.includes('--help')) {
    out(peerCommand ? renderCommandHelp(peerCommand) : renderHelp())
    return command === undefined ? EXIT.usage : EXIT.ok
  }
  if (command === 'version' || command === '--version') {
    out(readVersion(root))
    return EXIT.ok
  }
  if (command === 'relay') {
    // Loaded only here: the other commands should not wait for libp2p.
    const { runRelay } = await import('./commands/run-relay.ts')
    return runRelay(args, terminal)
  }
  if (command === 'address') return address(args, terminal)
  if (peerCommand) return runPeerCommand(peerCommand, args, terminal)
  const asking = Object.hasOwn(ASK_COMMANDS, command) ? ASK_COMMANDS[command] : undefined
  if (asking) return ask(asking, args, terminal)
  throw new MeshError('BAD_ARGUMENT', `dmesh has no command "${command.slice(0, 40)}". See: dmesh --help`)
}

/** What happened, and what to do when that does not say so itself. */
function explain(error: MeshError): string {
  if (error.code !== 'INTERNAL') return `dmesh: ${error.message}`
  return `dmesh: ${error.message}\n${ERRORS.INTERNAL.fix}\n${error.cause instanceof Error ? error.cause.stack : error.stack}`
}

const terminal = processTerminal(resolve(import.meta.dirname, '..'))

try {
  // Native sockets may keep the event loop alive; the work is over here.
  process.exit(await main(process.argv.slice(2), terminal))
} catch (error) {
  const failure = toMeshError(error)
  const asJson = process.argv.includes('--json')
  terminal.note(asJson ? JSON.stringify({ error: { code: failure.code, message: failure.message } }) : explain(failure))
  process.exit(exitCodeOf(codeOf(error)))
}
