/** From flags, environment and file to one checked RelayConfig. Precedence: flag > DMESH_* > file > default. Never starts anything; reads only the files it is told to. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseJsonc } from '../../src/access/jsonc.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import type { LogLevel } from '../../src/shared/log.ts'
import { MAX_CONFIG_FILE } from '../limits.ts'
import { DEFAULT_LISTEN, envName, type HostPort, OPTION_NAMES, OPTIONS, type OptionName, type OptionValues } from './options.ts'

export interface RelayConfig {
  readonly listen: HostPort
  /** Absolute. */
  readonly dataDir: string
  /** Origin without a slash at the end. */
  readonly publicUrl?: string
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** Addresses or networks whose forwarding headers are believed. */
  readonly trustProxy: readonly string[]
  /** undefined = by the address that is listened on. */
  readonly lobby?: boolean
  readonly admin: HostPort | 'off'
  /** UDP port of webrtc-direct. */
  readonly udp: number | 'off'
  /** Port of plain libp2p over TCP. */
  readonly tcp: number | 'off'
  /** Announce and look on the LAN. */
  readonly mdns: boolean
  /** Origins of other relays to find peers with. */
  readonly kad: readonly string[] | 'off'
  readonly stun: number | 'off'
  readonly log: Readonly<Record<string, LogLevel | 'off'>>
  readonly name: string
}

export interface ConfigSources {
  /** Arguments after the command. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder of the clone: decides the default of --data-dir. */
  readonly root: string
  /** Relative paths start here. Default the current folder. */
  readonly cwd?: string
}

/** BAD_CONFIG names the flag, the variable or the file and line, and what to write instead. */
export function readConfig(sources: ConfigSources): RelayConfig {
  const cwd = sources.cwd ?? process.cwd()
  const given = readFlags(sources.args)
  const file = given.config ?? sources.env.DMESH_CONFIG
  const fromFile = file ? readConfigFile(resolve(cwd, file)) : {}
  const merged: OptionValues = { ...fromFile, ...readEnv(sources.env), ...given.values }
  return complete(merged, sources, cwd)
}

function complete(values: OptionValues, { root, env }: ConfigSources, cwd: string): RelayConfig {
  const listen = values.listen ?? DEFAULT_LISTEN
  const above = (steps: number) => (listen.port === 0 ? 0 : Math.min(listen.port + steps, 65535))
  const certFile = values['tls-cert']
  const keyFile = values['tls-key']
  if (!certFile !== !keyFile)
    throw new MeshError('BAD_CONFIG', `--tls-cert and --tls-key belong together; ${certFile ? '--tls-key' : '--tls-cert'} is missing.`)
  return {
    listen,
    dataDir: resolve(cwd, values['data-dir'] ?? defaultDataDir(root, env)),
    publicUrl: values['public-url'],
    tls: certFile && keyFile ? { certFile: resolve(cwd, certFile), keyFile: resolve(cwd, keyFile) } : undefined,
    trustProxy: values['trust-proxy'] ?? [],
    lobby: values.lobby,
    admin: values.admin ?? { host: '127.0.0.1', port: above(2) },
    udp: values.udp ?? above(0),
    tcp: values.tcp ?? 'off',
    mdns: values.mdns ?? false,
    kad: values.kad ?? [],
    stun: values.stun ?? above(1),
    log: values.log ?? { '*': 'info' },
    name: values.name ?? (hostname().slice(0, 64) || 'relay'),
  }
}

/** `./data` of the clone for those who run from one, else the XDG state folder. */
export function defaultDataDir(root: string, env: Readonly<Record<string, string | undefined>>): string {
  if (existsSync(join(root, '.git'))) return join(root, 'data')
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'dmesh')
}

/** Of a terminal peer: `./data/peer` of the clone for those who run from one, else the XDG data folder, which backups take: its key is a person's. */
export function defaultPeerDir(root: string, env: Readonly<Record<string, string | undefined>>): string {
  if (existsSync(join(root, '.git'))) return join(root, 'data', 'peer')
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'dmesh', 'peer')
}

function readFlags(args: readonly string[]): { readonly values: OptionValues; readonly config?: string } {
  const options: Record<string, { type: 'string' | 'boolean'; multiple: true }> = { config: { type: 'string', multiple: true } }
  for (const name of OPTION_NAMES) options[name] = { type: OPTIONS[name].value ? 'string' : 'boolean', multiple: true }
  let parsed: Record<string, unknown>
  try {
    parsed = parseArgs({ args: [...args], options, allowNegative: true, strict: true }).values
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('. To ')[0] as string) : String(error)
    throw new MeshError('BAD_CONFIG', `${message.replace(/\.$/, '')}. See: dmesh relay --help`, { cause: error })
  }
  const texts = new Map<OptionName, readonly string[]>()
  for (const name of OPTION_NAMES) if (parsed[name] !== undefined) texts.set(name, (parsed[name] as unknown[]).map(String))
  return { values: check(texts, (name) => `--${name}`), config: (parsed.config as string[] | undefined)?.at(-1) }
}

function readEnv(env: ConfigSources['env']): OptionValues {
  const texts = new Map<OptionName, readonly string[]>()
  for (const name of OPTION_NAMES) {
    const text = env[envName(name)]
    if (text !== undefined && text !== '') texts.set(name, [text])
  }
  return check(texts, envName)
}

/** Also for tests: one file's options. BAD_CONFIG when it is missing, writable by others, or wrong. */
export function readConfigFile(path: string): OptionValues {
  const { value, lineOf } = parseFile(path)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new MeshError('BAD_CONFIG', `${path} must hold one object: { "listen": "…" }.`)
  const where = (key: string) => `${path} line ${lineOf([key])}: "${key}"`
  const texts = new Map<OptionName, readonly string[]>()
  for (const [key, item] of Object.entries(value)) {
    if (!(key in OPTIONS)) throw new MeshError('BAD_CONFIG', `${where(key)} is not an option. Options: ${OPTION_NAMES.join(', ')}.`)
    const list: unknown[] = Array.isArray(item) ? item : [item]
    const simple = list.every((one) => typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean')
    if (!simple || (list.length !== 1 && !OPTIONS[key as OptionName].many))
      throw new MeshError('BAD_CONFIG', `${where(key)} needs one text, number or true/false.`)
    texts.set(key as OptionName, list.map(String))
  }
  return check(texts, where)
}

function parseFile(path: string): ReturnType<typeof parseJsonc> {
  const text = readOwnedFile(path)
  try {
    return parseJsonc(text)
  } catch (error) {
    throw new MeshError('BAD_CONFIG', `${path} ${error instanceof Error ? error.message : String(error)}. Correct that line.`, { cause: error })
  }
}

function readOwnedFile(path: string): string {
  try {
    const { mode, size } = statSync(path)
    if ((mode & 0o022) !== 0) throw new MeshError('BAD_CONFIG', `${path} can be changed by other users of this computer. Run: chmod go-w ${path}`)
    if (size > MAX_CONFIG_FILE) throw new MeshError('BAD_CONFIG', `${path} is larger than ${MAX_CONFIG_FILE} bytes; is it the right file?`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'BAD_CONFIG') throw error
    throw new MeshError('BAD_CONFIG', `${path} cannot be read (${(error as NodeJS.ErrnoException).code}). Check --config and its permissions.`, {
      cause: error,
    })
  }
}

function check(texts: ReadonlyMap<OptionName, readonly string[]>, where: (name: OptionName) => string): OptionValues {
  const out: Partial<Record<OptionName, unknown>> = {}
  for (const [name, given] of texts) {
    try {
      out[name] = OPTIONS[name].parse(given)
    } catch (error) {
      throw new MeshError('BAD_CONFIG', `${where(name)} ${(error as Error).message}.`, { cause: error })
    }
  }
  return out as OptionValues
}
