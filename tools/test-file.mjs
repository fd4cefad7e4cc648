/** Runs one test file in a process of its own and collects what its tests said. Ends the whole process group when the file hangs. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LEFT_OPEN = 30_000 // ms without an event after the last test: something the file left open keeps it alive
const POLL = 1_000 // ms between looks at the events
const MAX_OUTPUT = 20_000 // characters of the file's own output that are kept, the newest

/**
 * @typedef {{ name: string, text: string }} Outcome
 * @typedef {{ file: string, ms: number, passed: number, failed: Outcome[], skipped: Outcome[], notes: string[], output: string }} FileResult notes = what its tests measured and told by `t.diagnostic()`
 * @typedef {{ type: string, name: string, suite: boolean, skip?: boolean | string, error?: string, echo: boolean }} TestEvent
 */

/**
 * @param {string} root
 * @param {string} file from the root
 * @param {NodeJS.ProcessEnv} env
 * @param {number} limit ms
 * @returns {Promise<FileResult>}
 */
export async function runTestFile(root, file, env, limit) {
  const started = Date.now()
  const folder = mkdtempSync(join(tmpdir(), 'dmesh-test-'))
  const events = join(folder, 'events')
  const reporter = join(root, 'tools', 'test-reporter.mjs')
  const child = spawn(process.execPath, ['--test-reporter', reporter, '--test-reporter-destination', 'stdout', join(root, file)], {
    cwd: root,
    env: { ...env, DMESH_TEST_EVENTS: events, FORCE_COLOR: '0', NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --disable-warning=ExperimentalWarning` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  const output = keepOutput(child)
  const watch = watchForHang(child, events, started, limit)
  const stop = () => killGroup(child)
  process.once('exit', stop)
  const code = await new Promise((resolve) => {
    child.on('error', () => resolve(127))
    child.on('exit', (exitCode) => resolve(exitCode ?? 1))
  })
  process.off('exit', stop)
  const hang = watch.end()
  killGroup(child)
  const result = count(file, readEvents(events), output(), hang ?? code, Date.now() - started)
  rmSync(folder, { recursive: true, force: true })
  return result
}

/** @param {import('node:child_process').ChildProcess} child */
function keepOutput(child) {
  let text = ''
  const keep = (/** @type {Buffer} */ chunk) => {
    text = (text + chunk.toString('utf8')).slice(-MAX_OUTPUT)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return () => text
}

/** Browsers and relays that a file started are in its group: none may outlive it. @param {import('node:child_process').ChildProcess} child */
function killGroup(child) {
  try {
    if (child.pid) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // The group is gone already.
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} events
 * @param {number} started
 * @param {number} limit
 */
function watchForHang(child, events, started, limit) {
  /** @type {string | undefined} */
  let reason
  let seen = 0
  let changed = Date.now()
  const timer = setInterval(() => {
    const all = readEvents(events)
    if (all.length !== seen) changed = Date.now()
    seen = all.length
    const begun = all.filter(({ type }) => type === 'test:enqueue').length
    const finished = begun > 0 && begun <= all.filter(({ type }) => isEnd(type)).length
    if (finished && Date.now() - changed > LEFT_OPEN)
      reason = `all tests ended, yet the file did not within ${LEFT_OPEN / 1000} s: it left something open`
    if (Date.now() - started > limit) reason = `took longer than ${limit / 60_000} minutes`
    if (reason) killGroup(child)
  }, POLL)
  return {
    end() {
      clearInterval(timer)
      return reason
    },
  }
}

/** @param {string} type */
function isEnd(type) {
  return type === 'test:pass' || type === 'test:fail'
}

/**
 * @param {string} path
 * @returns {TestEvent[]}
 */
function readEvents(path) {
  try {
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.slice(0, -1).map((line) => JSON.parse(line))
  } catch {
    return []
  }
}

/**
 * @param {string} file
 * @param {readonly TestEvent[]} events
 * @param {string} output
 * @param {string | number} end exit code, or why it was ended
 * @param {number} ms
 * @returns {FileResult}
 */
function count(file, events, output, end, ms) {
  // A suite that was skipped stands for its tests, which are not told one by one.
  const ended = events.filter(({ type, suite, skip, echo }) => isEnd(type) && !(suite && type === 'test:pass' && !skip) && !echo)
  const notes = events.filter(({ type }) => type === 'test:diagnostic').map(({ name }) => name)
  const text = (/** @type {TestEvent} */ { skip }) => (typeof skip === 'string' ? skip : 'no reason given')
  const skipped = ended.filter(({ skip }) => Boolean(skip)).map((event) => ({ name: event.name, text: text(event) }))
  const failed = ended.filter(({ type, skip }) => type === 'test:fail' && !skip).map(({ name, error = '' }) => ({ name, text: error }))
  const passed = ended.filter(({ type, skip }) => type === 'test:pass' && !skip).length
  if (typeof end === 'string') failed.push({ name: '(whole file)', text: end })
  else if (end !== 0 && failed.length === 0) failed.push({ name: '(whole file)', text: [`ended with code ${end}`, ...notes].join('\n') })
  else if (ended.length === 0) failed.push({ name: '(whole file)', text: 'holds no test' })
  return { file, ms, passed, failed, skipped, notes, output }
}
