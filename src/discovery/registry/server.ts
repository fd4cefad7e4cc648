/** The relay's end of /dmesh/presence/1.0.0: verifies records, keeps the roster, tells everyone in the mesh. Must never wait for a slow reader, and never let two instances of one key be here at once. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { PresenceEntry, PresenceService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import { sleep, withDeadline } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { prefixOf } from '../../shared/ip-prefix.ts'
import { createFrameReader, type FrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import {
  GATHER,
  GOODBYE_TIME,
  HELLO_TIMEOUT,
  MAX_MESHES,
  MAX_PEER_FRAME,
  MAX_RECORDS_PER_MINUTE,
  MAX_STREAMS_PER_PEER,
  ROSTER_PART,
  SWEEP_INTERVAL,
} from './limits.ts'
import { type PresenceRecord, verifyRecord } from './record.ts'
import { createRoster, type Roster, type RosterLimits } from './roster.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'
import { decodePeerFrame, encodeError, encodePresence, type RosterPart, VERSION } from './wire.ts'

export interface PresenceServerOptions {
  /** May this peer see and be in this mesh? Default: everyone in 'lobby', nobody elsewhere. Asked for each stream, after the policy's 'presence.join', and again at `recheck()`. */
  readonly admits?: (peer: string, mesh: string) => boolean
  /** Told of the lobby alone: the record of who came or was renewed, undefined for who left. */
  readonly told?: (peer: string, record: string | undefined) => void
  /** Entries of each mesh. Default limits.ts. */
  readonly limits?: RosterLimits
}

/** The relay's own view: `entries()` is everyone known here. It announces itself nowhere: `join` waits for its signal, `rename` does nothing. */
export function createPresenceServer({
  admits = (_, mesh) => mesh === 'lobby',
  limits,
  told,
}: PresenceServerOptions = {}): Protocol<PresenceService> {
  return {
    ids: [PROTOCOL.presence],
    may: 'presence.join',
    start(host, signal) {
      const listeners = new Set<() => void>()
      const changed = () => {
        for (const listen of listeners) queueMicrotask(listen)
      }
      const halls = createHalls(host, limits, changed, told)
      void sweepForever(host, halls, signal)
      return { service: createService(host, halls, listeners, admits), serve: (stream) => serve(stream, host, halls, admits) }
    },
  }
}

/** A seat is one stream of one instance. */
interface Seat {
  readonly stream: PeerStream
  readonly out: Subscriber
  readonly instance: string
}

/** One mesh: its roster, who listens, and what changed since the last push. */
interface Hall {
  readonly roster: Roster
  readonly seats: Set<Seat>
  changed(peer: string): void
}

type Halls = ReturnType<typeof createHalls>

function createHalls(host: ProtocolHost, limits: RosterLimits | undefined, onChange: () => void, told: PresenceServerOptions['told']) {
  const halls = new Map<string, Hall>()
  const open = (mesh: string): Hall => {
    const roster = createRoster(limits)
    const seats = new Set<Seat>()
    const dirty = new Set<string>()
    const push = () => {
      // Those gone first: a client's list holds as many as the roster, so a newcomer needs the place of whoever made room.
      const left = [...dirty].filter((peer) => !roster.get(peer)?.here)
      const frames = [...new Set([...left, ...dirty])].map((peer) => changeFrame(roster, peer))
      if (mesh === 'lobby') for (const peer of dirty) told?.(peer, roster.get(peer)?.here ? roster.get(peer)?.jws : undefined)
      dirty.clear()
      for (const { out } of seats) for (const frame of frames) out.push(frame)
      onChange()
    }
    return {
      roster,
      seats,
      changed(peer) {
        if (dirty.size === 0) host.clock.after(GATHER, push)
        dirty.add(peer)
      },
    }
  }
  return {
    all: () => halls.entries(),
    of(mesh: string): Hall {
      let hall = halls.get(mesh)
      if (hall) return hall
      if (halls.size >= MAX_MESHES) dropEmpty(halls)
      if (halls.size >= MAX_MESHES) throw new MeshError('RELAY_FULL', `${MAX_MESHES} meshes are here already`)
      halls.set(mesh, (hall = open(mesh)))
      return hall
    },
  }
}

function dropEmpty(halls: Map<string, Hall>): void {
  for (const [mesh, { seats }] of halls) if (seats.size === 0) halls.delete(mesh)
}

function changeFrame(roster: Roster, peer: string): Uint8Array {
  const entry = roster.get(peer)
  return encodePresence(entry?.here ? { t: 'record', record: entry.jws } : { t: 'gone', peer })
}

async function serve(stream: PeerStream, host: ProtocolHost, halls: Halls, admits: (peer: string, mesh: string) => boolean): Promise<void> {
  const reader = createFrameReader(stream.readable)
  const out = createSubscriber(stream)
  try {
    const hello = await withDeadline(host.clock, HELLO_TIMEOUT, 'presence hello', undefined, (signal) => reader.read(MAX_PEER_FRAME, signal))
    const frame = hello && decodePeerFrame(hello)
    if (frame?.t !== 'hello') throw new MeshError('BAD_FRAME', 'presence starts with hello')
    if (!admits(stream.peer, frame.mesh)) throw new MeshError('ACCESS_DENIED', `not in the mesh ${frame.mesh}`)
    const hall = halls.of(frame.mesh)
    const record = await check(host, stream, frame.mesh, frame.record)
    await attend(host, hall, { stream, out, instance: record.instance }, { reader, record, jws: frame.record })
  } catch (error) {
    await sayGoodbye(host, stream, out, error)
    if (codeOf(error) === 'OLD_INSTANCE') host.disconnect(stream, error)
    throw error
  }
  await Promise.race([out.finish(), sleep(host.clock, GOODBYE_TIME)])
}

async function check(host: ProtocolHost, stream: PeerStream, mesh: string, jws: string): Promise<PresenceRecord> {
  const record = await verifyRecord(host.identity.verify, jws, { relay: host.identity.peer, mesh, now: host.clock.now() })
  if (record.iss !== stream.peer) throw new MeshError('BAD_RECORD', 'the record of someone else')
  return record
}

/** From the first record until the stream ends; whatever ends it, the entry is away at once. */
async function attend(
  host: ProtocolHost,
  hall: Hall,
  seat: Seat,
  first: { reader: FrameReader; record: PresenceRecord; jws: string },
): Promise<void> {
  const peer = seat.stream.peer
  // Connections that the peer lost without our knowing must not keep it out: the oldest goes.
  const own = seatsOf(hall, seat).filter(({ instance }) => instance === seat.instance)
  if (own.length >= MAX_STREAMS_PER_PEER)
    own[0]?.stream.abort(new MeshError('LIMIT_REACHED', `${MAX_STREAMS_PER_PEER} newer presence streams are open`))
  take(host, hall, seat, first.record, first.jws)
  hall.seats.add(seat)
  sendRoster(hall, seat.out, host.clock.now())
  host.log('presence.joined', { peer, mesh: first.record.mesh, here: hall.seats.size }, 'debug')
  const times: number[] = []
  try {
    for (;;) {
      const bytes = await first.reader.read(MAX_PEER_FRAME)
      if (!bytes) return
      limitRate(times, host.clock.monotonic())
      const frame = decodePeerFrame(bytes)
      const record = await check(host, seat.stream, first.record.mesh, frame.record)
      if (record.instance !== seat.instance) throw new MeshError('BAD_RECORD', 'another instance on the same stream')
      take(host, hall, seat, record, frame.record)
    }
  } finally {
    hall.seats.delete(seat)
    const last = !seatsOf(hall, seat).some(({ instance }) => instance === seat.instance)
    if (last && hall.roster.leave(peer, seat.instance, host.clock.now())) hall.changed(peer)
    host.log('presence.left', { peer, here: hall.seats.size }, 'debug')
  }
}

function seatsOf({ seats }: Hall, { stream }: Seat): Seat[] {
  return [...seats].filter((other) => other.stream.peer === stream.peer)
}

function limitRate(times: number[], now: number): void {
  times.push(now)
  while (times.length > 0 && (times[0] as number) < now - 60_000) times.shift()
  if (times.length > MAX_RECORDS_PER_MINUTE) throw new MeshError('LIMIT_REACHED', `${MAX_RECORDS_PER_MINUTE} records a minute`)
}

/** Put the record into the roster; an older instance of the same key loses its connections, and whoever had to make room is told. */
function take(host: ProtocolHost, hall: Hall, seat: Seat, record: PresenceRecord, jws: string): void {
  const dropped = hall.roster.put(record, jws, host.clock.now(), prefixOf(host.remoteAddress(seat.stream)))
  hall.changed(record.iss)
  for (const other of seatsOf(hall, seat)) if (other.instance !== seat.instance) void dismiss(host, hall, other)
  if (dropped === undefined) return
  hall.changed(dropped)
  for (const other of hall.seats) if (other.stream.peer === dropped) void turnOut(host, hall, other)
}

async function dismiss(host: ProtocolHost, hall: Hall, seat: Seat): Promise<void> {
  const reason = new MeshError('OLD_INSTANCE', 'a newer start of this peer took over')
  host.log('presence.instance.replaced', { peer: seat.stream.peer, instance: seat.instance })
  hall.seats.delete(seat)
  await sayGoodbye(host, seat.stream, seat.out, reason)
  host.disconnect(seat.stream, reason)
}

/** Its connection stays: it may be called through us, and it may ask for a seat again. */
async function turnOut(host: ProtocolHost, hall: Hall, seat: Seat): Promise<void> {
  const reason = new MeshError('RELAY_FULL', 'made room for a peer of a smaller network')
  host.log('presence.turned.out', { peer: seat.stream.peer })
  hall.seats.delete(seat)
  await sayGoodbye(host, seat.stream, seat.out, reason)
  seat.stream.abort(reason)
}

/** No longer in this mesh: forgotten at once, and told why. */
function expel(host: ProtocolHost, hall: Hall, peer: string): void {
  hall.roster.forget(peer)
  hall.changed(peer)
  const reason = new MeshError('ACCESS_DENIED', 'no longer in this mesh')
  host.log('presence.expelled', { peer })
  for (const seat of [...hall.seats].filter(({ stream }) => stream.peer === peer)) {
    hall.seats.delete(seat)
    void sayGoodbye(host, seat.stream, seat.out, reason).then(() => seat.stream.abort(reason))
  }
}

/** The error frame, then time for the peer to read it and go: a reset would throw the frame away. */
async function sayGoodbye(host: ProtocolHost, stream: PeerStream, out: Subscriber, error: unknown): Promise<void> {
  out.push(encodeError(error))
  const gone = out.finish().then(() => stream.closed)
  await Promise.race([gone.catch(() => undefined), sleep(host.clock, GOODBYE_TIME)])
}

function sendRoster({ roster }: Hall, out: Subscriber, now: number): void {
  const parts: RosterPart[] = []
  for (const { jws, here, seen } of roster.all()) parts.push({ record: jws, here, ago: here ? 0 : Math.max(0, now - seen) })
  for (let at = 0; at === 0 || at < parts.length; at += ROSTER_PART) {
    const end = at + ROSTER_PART >= parts.length
    out.push(encodePresence({ t: 'roster', v: VERSION, entries: parts.slice(at, at + ROSTER_PART), end }))
  }
}

async function sweepForever(host: ProtocolHost, halls: Halls, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      await sleep(host.clock, SWEEP_INTERVAL, signal)
      for (const [, hall] of halls.all()) for (const peer of hall.roster.sweep(host.clock.now())) hall.changed(peer)
    }
  } catch (error) {
    if (!signal.aborted) host.log('presence.sweep.failed', { code: codeOf(error) }, 'error')
  }
}

function createService(
  host: ProtocolHost,
  halls: Halls,
  listeners: Set<() => void>,
  admits: (peer: string, mesh: string) => boolean,
): PresenceService {
  return {
    join: (_, signal) => new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }))),
    rename: () => undefined,
    recheck() {
      for (const [mesh, hall] of halls.all()) {
        for (const { record } of [...hall.roster.all()]) if (!admits(record.iss, mesh)) expel(host, hall, record.iss)
      }
    },
    entries() {
      const known = new Map<string, PresenceEntry>()
      for (const [mesh, { roster }] of halls.all()) {
        for (const { record, here, seen } of roster.all()) {
          const other = known.get(record.iss)
          const meshes = [...(other?.meshes ?? []), mesh]
          // Names in private meshes are sealed: what the lobby says tells more.
          if (other && (other.here || !here || mesh !== 'lobby')) known.set(record.iss, { ...other, here: other.here || here, meshes })
          else known.set(record.iss, { peer: record.iss, name: record.name, kind: record.kind, seen, relay: host.identity.peer, here, meshes })
        }
      }
      return [...known.values()]
    },
    onChange(listen, signal) {
      if (signal.aborted) return
      listeners.add(listen)
      signal.addEventListener('abort', () => listeners.delete(listen), { once: true })
    },
  }
}
