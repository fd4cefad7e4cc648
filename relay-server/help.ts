/** The text of --help, from the option table, so that it cannot forget an option. Pure. */
import { envName, OPTION_NAMES, OPTIONS } from './config/options.ts'
import { EXIT } from './exit-codes.ts'

const WIDTH = 96 // columns

const COMMANDS: readonly (readonly [string, string])[] = [
  ['relay [options]', 'Run a relay: serves the page and lets browsers find each other.'],
  ['id [--json]', 'Who the running relay is.'],
  ['peers [--json]', 'Who is here.'],
  ['status [--json]', 'What the running relay does and grants.'],
  ['ping PEER [--until-direct] [--count N]', 'Measure the way to a peer.'],
  ['log SUB LEVEL', 'Change a log level now: * or a subsystem; debug, info, warn, error, off.'],
  ['address ADDRESS|URL [--proto ID] [--json]', 'Write an address as multiaddr and as dmesh: URL. Asks nobody.'],
  ['healthcheck', 'Exit code 0 when the relay is ready.'],
  ['version', 'Print the version.'],
]

const EXIT_TEXT: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  failed: 'failed for another reason; the sentence says which',
  usage: 'a flag, a variable or the configuration file is wrong',
  notRunning: 'no relay runs with that data directory, or it is not ready',
  portInUse: 'another program listens on the port',
  unreachable: 'the peer does not answer',
  denied: 'not allowed',
}

export function renderHelp(): string {
  const commands = COMMANDS.map(([name, text]) => `  dmesh ${name.padEnd(39)} ${text}`)
  const options = OPTION_NAMES.flatMap((name) => {
    const { value, doc, default: fallback, many } = OPTIONS[name]
    const flag = value ? `--${name} ${value}${many ? ' …' : ''}` : `--${name}, --no-${name}`
    return [`  ${flag}`, ...wrap(doc, 6), `      env ${envName(name)}   default: ${fallback}`]
  })
  const exits = Object.entries(EXIT).map(([name, code]) => `  ${code}  ${EXIT_TEXT[name as keyof typeof EXIT]}`)
  return [
    'dmesh: an end-to-end encrypted peer-to-peer mesh in browsers, and the relay behind it',
    '',
    'Commands',
    ...commands,
    '',
    'Options of relay (a flag wins over its variable, that over the file, that over the default)',
    ...options,
    '  --config FILE',
    ...wrap('The same options by name as JSON, comments allowed: { "listen": "0.0.0.0:8421", "lobby": false }', 6),
    '      env DMESH_CONFIG   default: none',
    '',
    'The other commands find the running relay by --data-dir (or DMESH_DATA_DIR, or --config).',
    '',
    'Exit codes',
    ...exits,
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
