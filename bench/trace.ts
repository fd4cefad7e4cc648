/** Where a browser's time goes: one trace of every process and thread while something runs, and a table of it. Only with BENCH_TRACE=DIR; a trace slows what it traces, so its run counts for no figure. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, CDPSession } from 'playwright'

const CATEGORIES = ['toplevel', 'v8', 'v8.compile', 'devtools.timeline', 'blink.user_timing', 'loading', 'disabled-by-default-v8.cpu_profiler']
const SHOWN = 12 // functions of a thread
const PIECE = 1 << 20 // bytes of the trace read at once

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
  readonly id?: string
  readonly args?: {
    readonly name?: string
    readonly data?: {
      readonly cpuProfile?: { readonly nodes?: readonly ProfileNode[]; readonly samples?: readonly number[] }
      readonly timeDeltas?: readonly number[]
    }
  }
}

interface ProfileNode {
  readonly id: number
  readonly parent?: number
  readonly callFrame: { readonly functionName: string; readonly url?: string; readonly lineNumber?: number }
}

/** Runs `work`; with BENCH_TRACE=DIR leaves DIR/<name>.json (for a trace viewer) and DIR/<name>.txt (the table). Without: does nothing, false. */
export async function traced(browser: Browser, name: string, work: () => Promise<unknown>): Promise<boolean> {
  const folder = process.env.BENCH_TRACE
  if (!folder) return false
  const session = await browser.newBrowserCDPSession()
  await session.send('Tracing.start', {
    transferMode: 'ReturnAsStream',
    traceConfig: { includedCategories: CATEGORIES, recordMode: 'recordAsMuchAsPossible' },
  })
  const began = performance.now()
  await work()
  const took = performance.now() - began
  const complete = new Promise<string>((resolve) => session.once('Tracing.tracingComplete', ({ stream }) => resolve(stream as string)))
  await session.send('Tracing.end')
  const text = await readStream(session, await complete)
  await session.detach()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.json`), text)
  const table = `${name}: ${Math.round(took)} ms\n${tableOf((JSON.parse(text) as { traceEvents: readonly TraceEvent[] }).traceEvents)}`
  await writeFile(join(folder, `${name}.txt`), table)
  process.stdout.write(`${table}\n`)
  return true
}

async function readStream(session: CDPSession, handle: string): Promise<string> {
  let text = ''
  for (;;) {
    const { data, eof, base64Encoded } = await session.send('IO.read', { handle, size: PIECE })
    text += base64Encoded ? Buffer.from(data, 'base64').toString() : data
    if (eof) return text
  }
}

/** One block a thread, busiest first: milliseconds in tasks, then the functions that its own samples hit most. */
function tableOf(events: readonly TraceEvent[]): string {
  const names = new Map<string, string>()
  const busy = new Map<string, number>()
  for (const event of events) {
    const thread = `${event.pid}/${event.tid}`
    if (event.ph === 'M' && event.name === 'thread_name') names.set(thread, `${names.get(thread) ?? ''}${event.args?.name ?? ''}`)
    if (event.ph === 'M' && event.name === 'process_name') names.set(String(event.pid), event.args?.name ?? '')
    if (event.ph === 'X' && /RunTask|ThreadPool_RunTask/.test(event.name))
      busy.set(thread, (busy.get(thread) ?? 0) + (event.tdur ?? event.dur ?? 0) / 1000)
  }
  const functions = sampleFunctions(events)
  const threads = [...busy].filter(([, ms]) => ms > 20).sort((a, b) => b[1] - a[1])
  return threads
    .map(([thread, ms]) => {
      const head = `${Math.round(ms).toString().padStart(7)} ms  ${names.get(thread.split('/')[0] as string) ?? '?'} / ${names.get(thread) ?? '?'} (${thread})`
      const own = [...(functions.get(thread) ?? [])].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)
      return [head, ...own.map(([what, own]) => `${Math.round(own).toString().padStart(14)}  ${what}`)].join('\n')
    })
    .join('\n')
}

/** Milliseconds of samples by function, by thread; idle time left out. A profile's chunks name the thread that started it, not the sampler's. */
function sampleFunctions(events: readonly TraceEvent[]): Map<string, Map<string, number>> {
  const owners = new Map<string, string>()
  for (const { name, pid, tid, id } of events) if (name === 'Profile') owners.set(`${pid}:${id}`, `${pid}/${tid}`)
  const nodes = new Map<string, Map<number, string>>()
  const out = new Map<string, Map<string, number>>()
  for (const { name, pid, id, args } of events) {
    if (name !== 'ProfileChunk') continue
    const key = `${pid}:${id}`
    const known = nodes.get(key) ?? new Map<number, string>()
    nodes.set(key, known)
    for (const { id: node, callFrame } of args?.data?.cpuProfile?.nodes ?? []) {
      const file = callFrame.url?.split('/').at(-1) ?? ''
      known.set(node, `${callFrame.functionName || '(anonymous)'}  ${file}${file ? `:${callFrame.lineNumber}` : ''}`)
    }
    const thread = owners.get(key) ?? key
    const table = out.get(thread) ?? new Map<string, number>()
    out.set(thread, table)
    args?.data?.cpuProfile?.samples?.forEach((node, at) => {
      const what = known.get(node) ?? '?'
      if (what.startsWith('(idle)')) return
      table.set(what, (table.get(what) ?? 0) + (args.data?.timeDeltas?.[at] ?? 0) / 1000)
    })
  }
  return out
}
