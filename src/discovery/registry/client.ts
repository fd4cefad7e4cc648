/** The peer's end of /dmesh/presence/1.0.0: announces us at each relay joined and follows its roster. Must never show an entry whose record its own key did not sign for that relay. */
import { backoff } from '../../core/backoff.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { PresenceService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import { abortable, sleep, throwIfAborted } from '../../shared/async.ts'
import { codeOf, errorFromWire, MeshError } from '../../shared/errors.ts'
import { createFrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { type Announcer, type AnnouncerOptions, createAnnouncer } from './announcer.ts'
import { createDirectory, type Directory, type Hall, keyOf } from './directory.ts'
import { FULL_PAUSE, HELLO_TIMEOUT, KEEP_AWAY, LOST_GRACE, MAX_ENTRIES, MAX_RELAY_FRAME, RENEW_AFTER, RETRY } from './limits.ts'
import { cleanName, verifyRecord } from './record.ts'
import { decodeRelayFrame, encodePresence, type RelayFrame, VERSION } from './wire.ts'

export interface PresenceOptions extends AnnouncerOptions {
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
      const tell = coalesce(() => {
        for (const listen of listeners) listen()
      })
      const directory = createDirectory(tell)
      const announcer = createAnnouncer(options, host.identity, host.clock)
      const { random = Math.random } = options
      const parts = {
        host,
        directory,
        announcer,
        random,
        tell,
        renamed: new Set<() => void>(),
        live: new Map<string, number>(),
        unread: new Set<() => Promise<void>>(),
        ending: signal,
      }
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
  /** Says that something changed, to whoever listens. */
  readonly tell: () => void
  readonly random: () => number
  /** Streams that announce the new name after rename(). */
  readonly renamed: Set<() => void>
  /** Sessions by roster, to know whether a lost one was replaced. */
  readonly live: Map<string, number>
  /** Records whose name could not be read yet, to be taken again when there may be a key. */
  readonly unread: Set<() => Promise<void>>
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
    join: (relay, signal, mesh) => join(parts, { relay, mesh }, AbortSignal.any([signal, ending])),
    recheck() {
      for (const again of parts.unread) void again()
      parts.unread.clear()
      parts.tell()
    },
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

async function join(parts: ClientParts, hall: Hall, signal: AbortSignal): Promise<void> {
  const { host, random } = parts
  const { relay } = hall
  for (let failures = 0; !signal.aborted; ) {
    try {
      await session(parts, hall, signal, () => {
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
async function session(parts: ClientParts, hall: Hall, signal: AbortSignal, ready: () => void): Promise<void> {
  const { host, live } = parts
  const key = keyOf(hall)
  const stream = await host.open(hall.relay, PROTOCOL.presence, { signal })
  const number = (live.get(key) ?? 0) + 1
  live.set(key, number)
  const own = new AbortController()
  const leave = () => own.abort(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    await Promise.race([announce(parts, hall, stream, own.signal), follow(parts, hall, stream, own.signal, ready)])
    throw new MeshError('STREAM_RESET', 'the relay ended the presence stream')
  } finally {
    signal.removeEventListener('abort', leave)
    own.abort(new MeshError('CLOSED', 'the session is over'))
    stream.abort(new MeshError('CLOSED', 'left'))
    const settle = () => live.get(key) === number && parts.directory.keepOnly(hall, new Set(), host.clock.now())
    sleep(host.clock, LOST_GRACE, parts.ending).then(settle, () => undefined)
  }
}

/** Say hello, then a new record when one is due or the name changed. Ends only by failing. */
async function announce({ host, announcer, renamed }: ClientParts, { relay, mesh }: Hall, stream: PeerStream, signal: AbortSignal): Promise<void> {
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  let due = Promise.withResolvers<void>()
  const tell = () => due.resolve()
  renamed.add(tell)
  try {
    const sign = () => announcer.sign(relay, mesh, host.rttOf?.(relay))
    await writer.write(encodePresence({ t: 'hello', v: VERSION, mesh: mesh?.id ?? 'lobby', record: await sign() }))
    for (;;) {
      const cancel = host.clock.after(RENEW_AFTER * 1000, tell)
      await abortable(due.promise, signal).finally(cancel)
      due = Promise.withResolvers()
      await writer.write(encodePresence({ t: 'record', record: await sign() }))
    }
  } finally {
    renamed.delete(tell)
  }
}

async function follow(parts: ClientParts, hall: Hall, stream: PeerStream, signal: AbortSignal, ready: () => void): Promise<void> {
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
      await apply(parts, hall, frame, still, signal)
      if (frame.t !== 'roster' || !frame.end || complete) continue
      complete = true
      ready()
      parts.directory.keepOnly(hall, still, parts.host.clock.now())
    }
  } finally {
    cancel()
  }
}

async function apply(
  { host, directory, unread }: ClientParts,
  hall: Hall,
  frame: Exclude<RelayFrame, { t: 'error' }>,
  still: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const now = host.clock.now()
  const { relay, mesh } = hall
  const take = async (jws: string, here: boolean, ago: number) => {
    try {
      const record = await verifyRecord(host.identity.verify, jws, { relay, mesh: mesh?.id ?? 'lobby', now, late: here ? 0 : KEEP_AWAY })
      if (here) still.add(record.iss)
      // A name that I have no key for yet: the document that brings it is on its way, and a member is one without a name too.
      const shown = mesh ? record.sealed && (await mesh.open(record.iss, record.sealed)) : record
      if (!shown && unread.size < MAX_ENTRIES) unread.add(async () => void (!signal.aborted && still.has(record.iss) && (await take(jws, true, 0))))
      directory.put(hall, record, { here, ago, name: cleanName(shown?.name ?? ''), kind: shown?.kind ?? 'browser' }, now)
    } catch (error) {
      host.log('presence.record.refused', { relay, code: codeOf(error) }, 'warn')
    }
  }
  if (frame.t === 'gone') {
    still.delete(frame.peer)
    directory.leave(hall, frame.peer, now)
  } else if (frame.t === 'record') await take(frame.record, true, 0)
  else for (const { record, here, ago } of frame.entries) await take(record, here, ago)
}
