/** A stream of JSON lines that somebody else reads: what waits for the reader is bounded, and a blank line now and then shows that we live. */
import type { ServeHandler } from '../../src/core/http.ts'
import { createFolderHandler } from '../../src/protocols/http/folder.ts'
import { fromUtf8, toBase64url } from '../../src/shared/bytes.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { openDiskTree } from '../peer/disk-tree.ts'
import { ALIVE_EVERY, MAX_EVENTS_WAITING, STATE_EVERY } from './limits.ts'
import type { LocalApiParts, LocalBytes, LocalEvent, ServeLine, TopicLine } from './protocol.ts'
import type { RequestOf } from './requests.ts'

/** A line is made when it is read, so that what waits can still become newer. undefined = blank. */
type Line = () => unknown

export interface Lines extends AsyncIterable<unknown> {
  push(line: Line): void
}

/** Ends with the signal; throws LIMIT_REACHED at a reader that is too far behind. */
export function createLines(signal: AbortSignal): Lines {
  const waiting: Line[] = []
  let overrun = false
  let wake: () => void = () => undefined
  const push = (line: Line) => {
    if (waiting.length >= MAX_EVENTS_WAITING) overrun = true
    else waiting.push(line)
    wake()
  }
  const alive = setInterval(() => waiting.length === 0 && push(() => undefined), ALIVE_EVERY)
  alive.unref()
  signal.addEventListener('abort', () => {
    clearInterval(alive)
    wake()
  })
  return {
    push,
    async *[Symbol.asyncIterator]() {
      while (!signal.aborted) {
        if (overrun) throw new MeshError('LIMIT_REACHED', `more than ${MAX_EVENTS_WAITING} events waited for this reader`)
        const line = waiting.shift()
        if (line) yield line()
        else await new Promise<void>((done) => (wake = done))
      }
    },
  }
}

const EVENTS = ['peerchange', 'messagechange', 'fileoffer', 'transferchange'] as const

/** The snapshot of now, then what happens. */
export function eventLines({ mesh }: LocalApiParts, signal: AbortSignal): Lines {
  const lines = createLines(signal)
  let timer: NodeJS.Timeout | undefined
  let stateWaits = false
  const pushState = () => {
    timer = undefined
    stateWaits = true
    lines.push(() => {
      stateWaits = false
      return { type: 'statechange', detail: mesh.state } satisfies LocalEvent
    })
  }
  const changed = () => {
    if (!stateWaits) timer ??= setTimeout(pushState, STATE_EVERY)
  }
  pushState()
  mesh.addEventListener('statechange', changed, { signal })
  signal.addEventListener('abort', () => clearTimeout(timer))
  for (const type of EVENTS) mesh.addEventListener(type, ({ detail }) => lines.push(() => ({ type, detail })), { signal })
  mesh.addEventListener(
    'message',
    ({ detail: { data, ...rest } }) => lines.push(() => ({ type: 'message', detail: { ...rest, ...toLocal(data) } }) satisfies LocalEvent),
    { signal },
  )
  return lines
}

/** What comes in a topic, until the caller hangs up. */
export async function topicLines({ mesh }: LocalApiParts, { topic, mesh: id }: RequestOf<'subscribe'>, signal: AbortSignal): Promise<Lines> {
  const lines = createLines(signal)
  const options = { signal, ...(id === undefined ? {} : { mesh: id }) }
  await mesh.subscribe(
    topic,
    ({ data, ...rest }) => lines.push(() => ({ type: 'publication', detail: { ...rest, ...toLocal(data) } }) satisfies TopicLine),
    options,
  )
  lines.push(() => ({ type: 'joined' }) satisfies TopicLine)
  return lines
}

/** Serves a folder until the caller hangs up, and tells each answer. */
export async function serveLines({ mesh }: LocalApiParts, { path, name, allow }: RequestOf<'serve'>, signal: AbortSignal): Promise<Lines> {
  const lines = createLines(signal)
  const folder = createFolderHandler(await openDiskTree(path))
  const fetch: ServeHandler['fetch'] = async (request, context) => {
    const response = await folder.fetch(request, context)
    const { pathname, search } = new URL(request.url)
    const line: ServeLine = { type: 'request', peer: context.peer, method: request.method, path: `${pathname}${search}`, status: response.status }
    lines.push(() => line)
    return response
  }
  await mesh.serve({ fetch }, { signal, ...(name === undefined ? {} : { name }), ...(allow === undefined ? {} : { allow }) })
  lines.push(() => ({ type: 'serving', url: `dmesh://${mesh.peer}${name ? `-${name}` : ''}/` }) satisfies ServeLine)
  return lines
}

function toLocal(data: Uint8Array): LocalBytes {
  const text = fromUtf8(data)
  return { data: toBase64url(data), ...(text === undefined ? {} : { text }) }
}
