/** What a command may use of the process around it; an argument, so that commands can be tried without one. */
import type { Readable, Writable } from 'node:stream'

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder of the clone or installation. */
  readonly root: string
  /** One text and a line end to standard output. */
  readonly out: (text: string) => void
}

/** What commands that talk with a person use beside it. */
export interface PersonTerminal extends Terminal {
  /** The same to standard error: what is not the result. */
  readonly note: (text: string) => void
  /** Replace the last line of standard error, where it is a screen. Empty = take it away. */
  readonly progress: (text: string) => void
  readonly input: Readable
  /** Standard output as bytes; never ended. */
  readonly output: Writable
  readonly isScreen: { readonly in: boolean; readonly out: boolean; readonly err: boolean }
  /** Characters of a line. */
  readonly columns: () => number
}

/** The process's own. */
export function processTerminal(root: string): PersonTerminal {
  const { stdout, stderr, stdin } = process
  let drawn = false
  const clear = () => {
    if (drawn) stderr.write('\r\u001b[K')
    drawn = false
  }
  return {
    env: process.env,
    root,
    out(text) {
      clear()
      stdout.write(`${text}\n`)
    },
    note(text) {
      clear()
      stderr.write(`${text}\n`)
    },
    progress(text) {
      if (!stderr.isTTY) return
      clear()
      if (text === '') return
      stderr.write(text.slice(0, (stderr.columns ?? 80) - 1))
      drawn = true
    },
    input: stdin,
    output: stdout,
    isScreen: { in: stdin.isTTY ?? false, out: stdout.isTTY ?? false, err: stderr.isTTY ?? false },
    columns: () => stdout.columns ?? 80,
  }
}
