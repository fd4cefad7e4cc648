/** How a command that needs a peer is described and called. Types only. */
import type { Follow } from '../peer/follow.ts'
import type { Session } from '../peer/session.ts'
import type { PersonTerminal } from './terminal.ts'

export interface OptionText {
  /** Placeholder in --help; absent = a switch. */
  readonly value?: string
  readonly doc: string
}

export interface PeerCommand {
  /** After `dmesh`. */
  readonly usage: string
  readonly doc: string
  readonly options?: Readonly<Record<string, OptionText>>
  /** Arguments: at least, at most. */
  readonly takes: readonly [least: number, most: number]
  /** Without --data-dir a relay that runs will do too. */
  readonly alsoRelay?: true
  /** Ctrl-C is how it is meant to end: exit code 0. */
  readonly endless?: true
  readonly load: () => Promise<RunCommand>
}

/** Resolves with the exit code. */
export type RunCommand = (call: CommandCall) => Promise<number>

export interface CommandCall {
  readonly terminal: PersonTerminal
  readonly args: readonly string[]
  /** Text of an option, undefined when it was not given. */
  option(name: string): string | undefined
  has(name: string): boolean
  readonly json: boolean
  /** Absolute. */
  readonly dataDir: string
  readonly version: string
  /** Ctrl-C, SIGTERM. */
  readonly signal: AbortSignal
  /** The peer; closed after the command. Once. */
  open(): Promise<Connected>
}

export interface Connected {
  readonly session: Session
  readonly client: Session['client']
  readonly follow: Follow
}
