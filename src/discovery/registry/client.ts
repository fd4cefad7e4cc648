/** The peer's end of /dmesh/presence/1.0.0: announces us at each relay joined and follows its roster. Must never show an entry whose record its own key did not sign for that relay. */
import { backoff } from '../../core/backoff.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { PresenceService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import { abortable, sleep, throwIfAborted } from '../../shared/async.ts'
import { codeOf, errorFromWire, MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { type Announcer, type AnnouncerOptions, createAnnouncer } from './announcer.ts'
import { createDirectory, type Directory } from './directory.ts'
import { FULL_PAUSE, HELLO_TIMEOUT, KEEP_AWAY, LOST_GRACE, MAX_RELAY_FRAME, RENEW_AFTER, RETRY } from './limits.ts'
import { verifyRecord } from './record.ts'
import { decodeRelayFrame, encodePresence, type RelayFrame, VERSION } from './wire.ts'

export interface PresenceOptions extends AnnouncerOptions {
  /** Default 'lobby'. */
  readonly mesh?: string
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number
}

/** One per mesh handle. It answers no streams: a peer is no relay. */
export function createPresence(options: PresenceOptions): Protocol<PresenceService> {
  return {
    ids: [],
    may: 'presence.join',
    start(host, signal) {
      const listeners = new Set<() => void>()
      const directory = createDirectory(
        coalesce(() => {
          for (const listen of listeners) listen()
        }),
      )
      const announcer = createAnnouncer(options, host.identity, host.clock)
      const { mesh = 'lobby', random = Math.random } = options
      const parts = { host, directory, announcer, mesh, random, renamed: new Set<() => void>(), live: new Map<string, number>(), ending: signal }
      return {
        service: createService(parts, listeners),
        serve: async (stream) => stream.abort(new MeshError('UNKNOWN_PROTOCOL', 'this peer is no relay')),
      }
    },
  }
}

interface ClientParts {
  readonly host: ProtocolHost
  readonly directory: Directory
  readonly announcer: Announcer
  readonly mesh: string
  readonly random: () => number
  /** Streams that announce the new name after rename(). */
  readonly renamed: Set<() => void>
  /** Sessions by relay, to know whether a lost one was replaced. */
  readonly live: Map<string, number>
  /** Fires when the protocol stops. */
  readonly ending: AbortSignal
}

function coalesce(task: () => void): () => void {
  let due = false
  return () => {
    if (due) return
    due = true
    queueMicrotask(() => {
      due = false
      task()
    })
  }
}

function createService(parts: ClientParts, listeners: Set<() => void>): PresenceService {
  const { directory, announcer, host, ending } = parts
  return {
    join: (relay, signal) => join(parts, relay, AbortSignal.any([signal, ending])),
    entries: () => directory.entries().filter(({ peer }) => peer !== host.identity.peer),
    rename(name) {
      announcer.rename(name)
      for (const tell of parts.renamed) tell()
    },
    onChange(listen, signal) {
      if (signal.aborted) return
      listeners.add(listen)
      signal.addEventListener('abort', () => listeners.delete(listen), { once: true })
    },
  }
}

const FINAL = new Set(['ACCESS_DENIED', 'OLD_INSTANCE'])

async function join(parts: ClientParts, relay: string, signal: AbortSignal): Promise<void> {
  const { host, random } = parts
  for (let failures = 0; !signal.aborted; ) {
    try {
      await session(parts, relay, signal, () => {
        failures = 0
      })
    } catch (error) {
      if (signal.aborted) return
      const code = codeOf(error)
      host.log('presence.lost', { relay, code, failures }, 'debug')
      if (FINAL.has(code)) throw error
      if (code === 'RELAY_FULL') await sleep(host.clock, FULL_PAUSE, signal).catch(() => undefined)
    }
    failures++
    await sleep(host.clock, backoff(failures, random(), RETRY), signal).catch(() => undefined)
  }
}

/** One stream, from hello to its end. Whatever ends it, its entries get LOST_GRACE to come back. */
async function session(parts: ClientParts, relay: string, signal: AbortSignal, ready: () => void): Promise<void> {
  const { host, live } = parts
  const stream = await host.open(relay, PROTOCOL.presence, { signal })
  const number = (live.get(relay) ?? 0) + 1
  live.set(relay, number)
  const own = new AbortController()
  const leave = () => own.abort(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([announce(parts, relay, stream, own.signal), follow(parts, relay, stream, own.signal, ready)])
    throw new MeshError('STREAM_RESET', 'the relay ended the presence stream')
  } finally {
    signal.removeEventListener('abort', leave)
    own.abort(new MeshError('CLOSED', 'the session is over'))
    stream.abort(new MeshError('CLOSED', 'left'))
    const settle = () => live.get(relay) === number && parts.directory.keepOnly(relay, new Set(), host.clock.now())
    sleep(host.clock, LOST_GRACE, parts.ending).then(settle, () => undefined)
  }
}

/** Say hello, then a new record when one is due or the name changed. Ends only by failing. */
async function announce({ host, announcer, mesh, renamed }: ClientParts, relay: string, stream: PeerStream, signal: AbortSignal): Promise<void> {
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  let due = Promise.withResolvers<void>()
  const tell = () => due.resolve()
  renamed.add(tell)
  try {
    await writer.write(encodePresence({ t: 'hello', v: VERSION, mesh, record: await announcer.sign(relay, mesh, host.rttOf?.(relay)) }))
    for (;;) {
      const cancel = host.clock.after(RENEW_AFTER * 1000, tell)
      await abortable(due.promise, signal).finally(cancel)
      due = Promise.withResolvers()
      await writer.write(encodePresence({ t: 'record', record: await announcer.sign(relay, mesh, host.rttOf?.(relay)) }))
    }
  } finally {
    renamed.delete(tell)
  }
}

async function follow(parts: ClientParts, relay: string, stream: PeerStream, signal: AbortSignal, ready: () => void): Promise<void> {
  const reader = createFrameReader(stream.readable)
  const still = new Set<string>()
  let complete = false
  const cancel = parts.host.clock.after(HELLO_TIMEOUT, () => complete || stream.abort(new MeshError('TIMEOUT', 'no roster came')))
  try {
    for (;;) {
      const bytes = await reader.read(MAX_RELAY_FRAME, signal)
      throwIfAborted(signal)
      if (!bytes) return
      const frame = decodeRelayFrame(bytes)
      if (frame.t === 'error') throw errorFromWire(frame)
      await apply(parts, relay, frame, still)
      if (frame.t !== 'roster' || !frame.end || complete) continue
      complete = true
      ready()
      parts.directory.keepOnly(relay, still, parts.host.clock.now())
    }
  } finally {
    cancel()
  }
}

async function apply(
  { host, directory, mesh }: ClientParts,
  relay: string,
  frame: Exclude<RelayFrame, { t: 'error' }>,
  still: Set<string>,
): Promise<void> {
  const now = host.clock.now()
  const take = async (jws: string, here: boolean, ago: number) => {
    try {
      const record = await verifyRecord(host.identity.verify, jws, { relay, mesh, now, late: here ? 0 : KEEP_AWAY })
      if (here) still.add(record.iss)
      directory.put(relay, record, { here, ago }, now)
    } catch (error) {
      host.log('presence.record.refused', { relay, code: codeOf(error) }, 'warn')
    }
  }
  if (frame.t === 'gone') {
    still.delete(frame.peer)
    directory.leave(relay, frame.peer, now)
  } else if (frame.t === 'record') await take(frame.record, true, 0)
  else for (const { record, here, ago } of frame.entries) await take(record, here, ago)
}
