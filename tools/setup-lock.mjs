/** Keeps two set-ups in the same clone from running at once (two terminals, `npm start` beside `npm test`). Runs on Node.js 18. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, tell } from './say.mjs'

const LOCK = join(root, '.cache', 'setup.lock')
const POLL = 200 // ms between looks at a lock held by another
const NAMELESS = 5_000 // ms after which a lock without a process id counts as left behind

/**
 * Run `work` while holding the clone's set-up lock; a lock whose process is gone is taken over.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withSetupLock(work) {
  mkdirSync(join(root, '.cache'), { recursive: true })
  let told = false
  while (!take()) {
    if (!told) tell('waiting for another set-up in this clone to finish')
    told = true
    await new Promise((resolve) => setTimeout(resolve, POLL))
  }
  try {
    return await work()
  } finally {
    rmSync(LOCK, { recursive: true, force: true })
  }
}

function take() {
  try {
    mkdirSync(LOCK)
    writeFileSync(join(LOCK, 'pid'), String(process.pid))
    return true
  } catch {
    if (isLeftBehind()) rmSync(LOCK, { recursive: true, force: true })
    return false
  }
}

function isLeftBehind() {
  const pid = readPid()
  if (!pid) return age() > NAMELESS
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}

function readPid() {
  try {
    return Number.parseInt(readFileSync(join(LOCK, 'pid'), 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}

function age() {
  try {
    return Date.now() - statSync(LOCK).mtimeMs
  } catch {
    return 0
  }
}
