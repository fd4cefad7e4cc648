/** The relay's end of /dmesh/invite/1.0.0: counts claims, keeps sealed documents, lets in whom a mesh's own key certified. Must never admit anybody itself, nor wait for a slow reader. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { DeskChecks, MeshDocuments, UserProof } from '../../core/private-mesh.ts'
import type { Protocol, ProtocolHost } from '../../core/protocol.ts'
import type { RecordStore } from '../../core/stores.ts'
import { sleep, withDeadline } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { prefixOf } from '../../shared/ip-prefix.ts'
import { createFrameReader, type FrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { type Book, createBook } from './book.ts'
import { type Ledger, openLedger } from './ledger.ts'
import {
  FIRST_TIMEOUT,
  GOODBYE_TIME,
  MAX_FIRST,
  MAX_FRAME,
  MAX_FRAMES_PER_MINUTE,
  MAX_MINE,
  MAX_STREAMS_PER_MESH,
  MAX_STREAMS_PER_PEER,
} from './limits.ts'
import { createSender, type Sender } from './sender.ts'
import { type CallFrame, decodeCall, decodeFirst, encodeError, encodeInvite, type FirstFrame, VERSION } from './wire.ts'

export interface InviteServerOptions {
  readonly records: RecordStore
  /** Needs the relay's identity, so it is made when the protocol starts. */
  readonly checks: (identity: ProtocolHost['identity'], now: () => number) => DeskChecks
}

export interface InviteService {
  /** It showed a certificate that holds. */
  isMember(peer: string, mesh: string): boolean
  meshesOf(peer: string): readonly string[]
  /** Somebody showed a certificate or was removed. */
  onChange(listen: () => void): void
}

/** Reads what it kept first. STORAGE_FAILED. */
export async function createInviteServer({ records, checks }: InviteServerOptions): Promise<Protocol<InviteService>> {
  const ledger = await openLedger(records)
  return {
    ids: [PROTOCOL.invite],
    may: 'mesh.desk',
    start(host, signal) {
      const listeners = new Set<() => void>()
      const now = () => host.clock.now()
      const changed = () => {
        for (const listen of listeners) listen()
      }
      const hall: Hall = { host, ledger, book: createBook(), checks: checks(host.identity, now), seats: new Set(), now, changed }
      void sweepForever(hall, signal)
      const service: InviteService = {
        isMember: (peer, mesh) => hall.book.of(mesh, peer, now()) !== undefined,
        meshesOf: (peer) => hall.book.meshesOf(peer, now()),
        onChange: (listen) => void listeners.add(listen),
      }
      return { service, serve: (stream) => serve(hall, stream) }
    },
  }
}

interface Hall {
  readonly host: ProtocolHost
  readonly ledger: Ledger
  readonly book: Book
  readonly checks: DeskChecks
  readonly seats: Set<Seat>
  now(): number
  changed(): void
}

/** One stream: of a member of `mesh`, or of a joiner who claimed `invite`. */
interface Seat {
  readonly stream: PeerStream
  readonly peer: string
  readonly mesh: string
  readonly out: Sender
  readonly owner: boolean
  readonly invite?: string
}

async function serve(hall: Hall, stream: PeerStream): Promise<void> {
  const { host, seats } = hall
  const reader = createFrameReader(stream.readable)
  const out = createSender(stream)
  let seat: Seat | undefined
  try {
    const bytes = await withDeadline(host.clock, FIRST_TIMEOUT, 'the first frame', undefined, (signal) => reader.read(MAX_FIRST, signal))
    if (!bytes) return
    const first = decodeFirst(bytes)
    if (first.t === 'mine') return await tellMine(hall, stream, out, first)
    seat = first.t === 'claim' ? await seatJoiner(hall, stream, out, first) : await seatMember(hall, stream, out, first)
    await listen(hall, seat, reader)
  } catch (error) {
    await sayGoodbye(hall, stream, out, encodeError(error, await newestFor(hall, error)))
    throw error
  } finally {
    if (seat) seats.delete(seat)
  }
  await Promise.race([out.finish(), sleep(host.clock, GOODBYE_TIME)])
}

/** Not an error class of its own: of which mesh to send the newest along with NOT_MEMBER. */
const removedFrom = new WeakMap<object, string>()

function notMember(mesh: string): MeshError {
  const error = new MeshError('NOT_MEMBER', 'an owner of this mesh removed you')
  removedFrom.set(error, mesh)
  return error
}

async function newestFor({ ledger }: Hall, error: unknown): Promise<MeshDocuments | undefined> {
  const mesh = typeof error === 'object' && error !== null ? removedFrom.get(error) : undefined
  return mesh === undefined ? undefined : ledger.documents(mesh).catch(() => undefined)
}

function sit(hall: Hall, seat: Seat): Seat {
  const near = [...hall.seats].filter(({ mesh }) => mesh === seat.mesh)
  if (near.length >= MAX_STREAMS_PER_MESH) throw new MeshError('LIMIT_REACHED', `${MAX_STREAMS_PER_MESH} streams for this mesh are open`)
  if (near.filter(({ peer }) => peer === seat.peer).length >= MAX_STREAMS_PER_PEER)
    throw new MeshError('LIMIT_REACHED', `${MAX_STREAMS_PER_PEER} streams of this peer for this mesh are open`)
  hall.seats.add(seat)
  return seat
}

async function seatMember(hall: Hall, stream: PeerStream, out: Sender, { mesh, chain, have }: FirstFrame & { t: 'desk' }): Promise<Seat> {
  const { ledger, book, checks, host } = hall
  const { peer } = stream
  const shown = await checks.member(peer, mesh, chain)
  if (shown.isRemoved(ledger.about(mesh)?.floors ?? {})) throw notMember(mesh)
  const isNew = !book.of(mesh, peer, hall.now())
  book.add(mesh, peer, shown)
  if (isNew) hall.changed()
  await ledger.touch(mesh, shown.owner ? peer : undefined, hall.now(), shown.root)
  const seat = sit(hall, { stream, peer, mesh, out, owner: shown.owner })
  const documents = await ledger.documents(mesh)
  out.push(encodeInvite({ t: 'ok', v: VERSION, seq: documents?.seq ?? 0 }))
  if (documents && documents.seq > have) out.push(encodeInvite({ t: 'documents', ...documents }))
  if (shown.owner) {
    for (const claim of await ledger.waiting(mesh, hall.now())) out.push(encodeInvite({ t: 'waiting', ...claim }))
    for (const going of await ledger.leaving(mesh)) out.push(encodeInvite({ t: 'leaving', ...going }))
  }
  host.log('mesh.desk.opened', { peer, mesh }, 'debug')
  return seat
}

async function seatJoiner(hall: Hall, stream: PeerStream, out: Sender, frame: FirstFrame & { t: 'claim' }): Promise<Seat> {
  const { ledger, checks, host } = hall
  const { peer } = stream
  const { token, nonce, signature, sealing } = frame
  const invite = await checks.invite(token)
  await checks.claim(frame, peer)
  const about = ledger.about(invite.mesh)
  // Keys are free: an invite counts when an owner of a mesh that is known here made it.
  if (!about?.owners.includes(invite.issuer)) throw new MeshError('INVITE_INVALID', 'this relay does not know who made this invite')
  const claim = await ledger.claim(invite, { token, nonce, signature, sealing, peer, at: hall.now() })
  const seat = sit(hall, { stream, peer, mesh: invite.mesh, out, owner: false, invite: invite.id })
  out.push(encodeInvite({ t: 'ok', v: VERSION, seq: about.seq }))
  host.log('mesh.claim.counted', { peer, mesh: invite.mesh }, 'debug')
  if (claim.answer !== undefined) await tellJoiner(hall, seat, claim.answer)
  else for (const { out: owner } of owners(hall, invite.mesh)) owner.push(encodeInvite({ t: 'waiting', ...claim }))
  return seat
}

/** One document after the other, as fast as they are read. */
async function tellMine({ ledger, checks }: Hall, stream: PeerStream, out: Sender, proof: UserProof): Promise<void> {
  await checks.user(proof, stream.peer)
  const meshes = ledger.madeBy(proof.user).slice(0, MAX_MINE)
  for (const mesh of meshes) {
    const documents = await ledger.documents(mesh)
    if (documents) await out.send(encodeInvite({ t: 'documents', ...documents }))
  }
  await out.send(encodeInvite({ t: 'ok', v: VERSION, seq: meshes.length }))
  await out.finish()
}

function owners({ seats }: Hall, mesh: string): Seat[] {
  return [...seats].filter((seat) => seat.mesh === mesh && seat.owner)
}

async function tellJoiner({ ledger }: Hall, { mesh, out }: Seat, answer: string): Promise<void> {
  out.push(encodeInvite({ t: 'answer', ...(answer ? { code: answer } : {}) }))
  const documents = answer === '' ? await ledger.documents(mesh) : undefined
  if (documents) out.push(encodeInvite({ t: 'documents', ...documents }))
}

/** Until the stream ends. A joiner has nothing more to say. */
async function listen(hall: Hall, seat: Seat, reader: FrameReader): Promise<void> {
  const times: number[] = []
  for (;;) {
    const bytes = await reader.read(seat.owner ? MAX_FRAME : MAX_FIRST)
    if (!bytes) return
    const now = hall.host.clock.monotonic()
    times.push(now)
    while ((times[0] as number) < now - 60_000) times.shift()
    if (times.length > MAX_FRAMES_PER_MINUTE) throw new MeshError('LIMIT_REACHED', `${MAX_FRAMES_PER_MINUTE} frames a minute`)
    const frame = decodeCall(bytes)
    if (!seat.owner && (frame.t !== 'leave' || seat.invite !== undefined)) throw new MeshError('NOT_ADMITTER', 'only owners change a mesh')
    await run(hall, seat, frame).then(
      () => seat.out.push(encodeInvite({ t: 'done', n: frame.n })),
      (error: unknown) =>
        seat.out.push(encodeInvite({ t: 'done', n: frame.n, code: codeOf(error), message: String((error as Error).message).slice(0, 200) })),
    )
  }
}

async function run(hall: Hall, seat: Seat, frame: CallFrame): Promise<void> {
  const { mesh, peer } = seat
  const { ledger, book, seats } = hall
  // Whoever calls may have been removed since it sat down.
  const shown = book.of(mesh, peer, hall.now())
  if (!shown || (frame.t !== 'leave' && !shown.owner)) throw notMember(mesh)
  if (frame.t === 'leave') {
    await ledger.leave(mesh, { peer, leave: frame.leave })
    for (const { out } of owners(hall, mesh)) out.push(encodeInvite({ t: 'leaving', peer, leave: frame.leave }))
    return
  }
  if (frame.t === 'left') return ledger.left(mesh, frame.peer)
  if (frame.t === 'put') return put(hall, seat, frame)
  if (frame.t === 'withdraw') {
    for (const gone of await ledger.withdraw(mesh, frame.invite, frame.until))
      for (const joiner of [...seats].filter((one) => one.invite === frame.invite && one.peer === gone))
        await tellJoiner(hall, joiner, 'INVITE_WITHDRAWN')
    return
  }
  if (!(await ledger.answer(mesh, frame.invite, frame.peer, frame.code ?? ''))) return
  for (const joiner of [...seats].filter((one) => one.mesh === mesh && one.invite === frame.invite && one.peer === frame.peer))
    await tellJoiner(hall, joiner, frame.code ?? '')
}

async function put(hall: Hall, seat: Seat, { seq, document, removed }: MeshDocuments): Promise<void> {
  const { ledger, checks, host, book, seats } = hall
  const { mesh, peer, stream } = seat
  const known = ledger.about(mesh)
  const floors = removed === known?.removed || removed === '' ? (known?.floors ?? {}) : await checks.removed(mesh, removed)
  for (const [name, floor] of Object.entries(known?.floors ?? {}))
    if ((floors[name] ?? 0) < floor) throw new MeshError('OLD_RECORD', 'a list that forgets whom others removed')
  try {
    await ledger.put(mesh, { seq, document, removed: removed || (known?.removed ?? '') }, floors, prefixOf(host.remoteAddress(stream)), hall.now())
  } catch (error) {
    const newer = codeOf(error) === 'OLD_RECORD' ? await ledger.documents(mesh) : undefined
    if (newer) seat.out.push(encodeInvite({ t: 'documents', ...newer }))
    throw error
  }
  await ledger.touch(mesh, peer, hall.now(), book.of(mesh, peer, hall.now())?.root)
  book.strike(mesh, floors)
  hall.changed()
  for (const other of [...seats].filter((one) => one.mesh === mesh && one.invite === undefined && one !== seat)) {
    if (book.of(mesh, other.peer, hall.now())) other.out.push(encodeInvite({ t: 'documents', seq, document, removed }))
    else void turnOut(hall, other)
  }
}

async function turnOut(hall: Hall, seat: Seat): Promise<void> {
  hall.seats.delete(seat)
  const error = notMember(seat.mesh)
  await sayGoodbye(hall, seat.stream, seat.out, encodeError(error, await newestFor(hall, error)))
  seat.stream.abort(error)
}

/** The error frame, then time for the peer to read it and go: a reset would throw the frame away. */
async function sayGoodbye({ host }: Hall, stream: PeerStream, out: Sender, frame: Uint8Array): Promise<void> {
  out.push(frame)
  const gone = out.finish().then(() => stream.closed)
  await Promise.race([gone.catch(() => undefined), sleep(host.clock, GOODBYE_TIME)])
}

const SWEEP_INTERVAL = 600_000 // ms between looks for invites whose time is over

async function sweepForever({ host, ledger, now }: Hall, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await ledger.sweep(now()).catch((error: unknown) => host.log('mesh.sweep.failed', { code: codeOf(error) }, 'warn'))
    await sleep(host.clock, SWEEP_INTERVAL, signal).catch(() => undefined)
  }
}
