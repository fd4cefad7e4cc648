/** node:test reporter of tools/test.mjs: appends one JSON line an event to the file named by DMESH_TEST_EVENTS and prints nothing. */
import { appendFileSync } from 'node:fs'
import { inspect } from 'node:util'

const MAX_DETAIL = 6_000 // characters of one failure; more hides the other failures

/** node:test closes with its own counts as diagnostics. */
const SUMMARY = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

/**
 * @param {AsyncIterable<{ type: string, data: any }>} source
 * @returns {AsyncGenerator<string, void>}
 */
export default async function* report(source) {
  const file = process.env.DMESH_TEST_EVENTS
  if (!file) throw new Error('DMESH_TEST_EVENTS is not set')
  /** @type {string[]} */
  const open = []
  for await (const { type, data } of source) {
    if (type === 'test:diagnostic' && !SUMMARY.test(data.message))
      appendFileSync(file, `${JSON.stringify({ type, name: String(data.message).slice(0, MAX_DETAIL) })}\n`)
    if (type === 'test:start') open[data.nesting] = data.name
    if (type !== 'test:pass' && type !== 'test:fail' && type !== 'test:enqueue') continue
    const line = {
      type,
      name: type === 'test:enqueue' ? data.name : [...open.slice(0, data.nesting), data.name].join(' › '),
      suite: data.details?.type === 'suite',
      skip: data.skip ?? data.todo,
      ms: data.details?.duration_ms,
      error: type === 'test:fail' ? describe(data.details?.error) : undefined,
      // A parent that failed only because a child did says nothing new.
      echo: data.details?.error?.failureType === 'subtestsFailed',
    }
    appendFileSync(file, `${JSON.stringify(line)}\n`)
    yield ''
  }
}

/** @param {any} error node:test wraps what was thrown as `cause` */
function describe(error) {
  const thrown = error?.cause ?? error
  if (!(thrown instanceof Error)) return String(typeof thrown === 'string' ? thrown : inspect(thrown)).slice(0, MAX_DETAIL)
  const ours = (thrown.stack ?? thrown.message).split('\n').filter((line) => !/^\s+at .*\(?node:internal/.test(line))
  const code = 'code' in thrown && thrown.code !== 'ERR_ASSERTION' ? `\ncode: ${thrown.code}` : ''
  const cause = thrown.cause ? `\ncause: ${inspect(thrown.cause, { depth: 2 })}` : ''
  return `${ours.join('\n').trim()}${code}${cause}`.slice(0, MAX_DETAIL)
}
