/** What the tools print, and the one way they start other programs. Runs on Node.js 18 with nothing installed. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PARENT_POLL = 500 // ms between looks at whether npm's shell still lives

/** The repository's root directory. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')

/**
 * One line of set-up news. On the error output, so that `npx dmesh id --json | …` stays clean.
 * @param {string} text
 */
export function tell(text) {
  process.stderr.write(`${text}\n`)
}

/**
 * One line of results.
 * @param {string} text
 */
export function say(text) {
  process.stdout.write(`${text}\n`)
}

/**
 * @typedef {{ env?: NodeJS.ProcessEnv, cwd?: string, quiet?: boolean }} RunOptions
 * @typedef {{ code: number, text: string }} RunResult `text` = both outputs when quiet, else empty.
 */

/**
 * Run a program to its end. Never rejects: a program that cannot be started is code 127 with the reason as text.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options] quiet: keep the output instead of showing it
 * @returns {Promise<RunResult>}
 */
export function runProgram(command, args, options = {}) {
  const { env = process.env, cwd = root, quiet = false } = options
  return new Promise((resolve) => {
    const child = spawn(command, [...args], { cwd, env, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] })
    let text = ''
    const keep = (/** @type {Buffer} */ chunk) => {
      text += chunk.toString('utf8')
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => resolve({ code: 127, text: error.message }))
    child.on('close', (code, signal) => resolve({ code: code ?? (signal ? 1 : 0), text }))
  })
}

/**
 * Hand the terminal over to a program: same input and output, signals passed on, and we end as it ended. Never returns.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {string} [cwd]
 * @returns {Promise<never>}
 */
export function becomeProgram(command, args, env, cwd = root) {
  const child = spawn(command, [...args], { cwd, env, stdio: 'inherit' })
  // Ctrl-C in a terminal reaches the whole group by itself; sending it on would look like a second, impatient one.
  const terminal = Boolean(process.stdin.isTTY)
  process.on('SIGINT', () => void (terminal || child.kill('SIGINT')))
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => void child.kill(signal))
  stopWithNpm(child)
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(127)
  })
  child.on('close', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
  return new Promise(() => undefined)
}

/**
 * npm starts us through a shell that dies of a signal without passing it on: when that shell is gone, the program has to go as well.
 * @param {import('node:child_process').ChildProcess} child
 */
function stopWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined || process.platform === 'win32') return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    child.kill('SIGTERM')
  }, PARENT_POLL)
  timer.unref()
}
