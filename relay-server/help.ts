/** The text of --help, from the option table, so that it cannot forget an option. Pure. */
import type { PeerCommand } from './commands/peer-command.ts'
import { PEER_COMMANDS } from './commands/peer-table.ts'
import { envName, OPTION_NAMES, OPTIONS } from './config/options.ts'
import { EXIT } from './exit-codes.ts'

const WIDTH = 96 // columns

const COMMANDS: readonly (readonly [string, string])[] = [
  ['relay [options]', 'Run a relay: serves the page and lets browsers find each other.'],
  ['id', 'Who the running relay or terminal peer is.'],
  ['status', 'What it does, and what a relay grants.'],
  ['log SUB LEVEL', 'Change a log level now: * or a subsystem; debug, info, warn, error, off.'],
  ['address ADDRESS|URL [--proto ID] [--json]', 'Write an address as multiaddr and as dmesh: URL. Asks nobody.'],
  ['grants [--json]', 'Every row that says who may do what here.'],
  ['grant WHO WHAT [--to X] [--until DATE]', 'Allow something; also --bytes --time --rate --concurrent --uses N, --label.'],
  ['revoke ID', 'Take a grant back; what runs by it is cut.'],
  ['explain WHO WHAT [TO]', 'Whether it is allowed, and which row says so.'],
  ['check-access FILE', 'Check an access.json and run its tests, without a relay.'],
  ['healthcheck', 'Exit code 0 when it is ready.'],
  ['version', 'Print the version.'],
]

const EXIT_TEXT: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  failed: 'failed for another reason; the sentence says which',
  usage: 'a flag, a variable or the configuration file is wrong',
  notRunning: 'nothing runs with that data directory, or it is not ready',
  portInUse: 'another program listens on the port',
  unreachable: 'the peer or the relay does not answer',
  denied: 'not allowed, or declined',
  invite: 'the invite is not valid, or not any more',
  interrupted: 'interrupted before it was done',
}

export function renderHelp(): string {
  const commands = COMMANDS.flatMap(([usage, doc]) => [`  dmesh ${usage}`, ...wrap(doc, 6)])
  const peerCommands = Object.values(PEER_COMMANDS).flatMap(({ usage, doc }) => [`  dmesh ${usage}`, ...wrap(doc, 6)])
  const options = OPTION_NAMES.flatMap((name) => {
    const { value, doc, default: fallback, many } = OPTIONS[name]
    const flag = value ? `--${name} ${value}${many ? ' …' : ''}` : `--${name}, --no-${name}`
    return [`  ${flag}`, ...wrap(doc, 6), `      env ${envName(name)}   default: ${fallback}`]
  })
  const exits = Object.entries(EXIT).map(([name, code]) => `  ${code}  ${EXIT_TEXT[name as keyof typeof EXIT]}`)
  return [
    'dmesh: an end-to-end encrypted peer-to-peer mesh in browsers, and the relay behind it',
    '',
    'Commands of a relay, and of what runs',
    ...commands,
    '',
    'Commands of a terminal peer (dmesh COMMAND --help says more; --json prints for programs)',
    ...peerCommands,
    '',
    'Options of relay (a flag wins over its variable, that over the file, that over the default)',
    ...options,
    '  --config FILE',
    ...wrap('The same options by name as JSON, comments allowed: { "listen": "0.0.0.0:8421", "lobby": false }', 6),
    '      env DMESH_CONFIG   default: none',
    '',
    ...wrap(
      'The other commands find the relay or terminal peer by --data-dir (or DMESH_DATA_DIR, or --config). A terminal peer that does not run is run by the command itself, for as long as that takes. Its own directory: ./data/peer in a clone, else $XDG_DATA_HOME/dmesh/peer.',
      0,
    ),
    '',
    'Exit codes',
    ...exits,
    '',
  ].join('\n')
}

/** Of one command of a terminal peer. */
export function renderCommandHelp({ usage, doc, options = {} }: PeerCommand): string {
  const lines = Object.entries(options).flatMap(([name, { value, doc: text }]) => [`  --${name}${value ? ` ${value}` : ''}`, ...wrap(text, 6)])
  return [
    `dmesh ${usage}`,
    '',
    ...wrap(doc, 0),
    '',
    ...lines,
    '  --json',
    '      Print for programs.',
    '  --data-dir DIR',
    '      Of the peer that is meant.',
    '',
  ].join('\n')
}

function wrap(text: string, indent: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line ? `${line} ${word}` : word
  }
  return [...lines, line].map((one) => ' '.repeat(indent) + one)
}
