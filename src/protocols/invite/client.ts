/** The peer's end of /dmesh/invite/1.0.0: a member's desk at a relay, and a joiner's claim. Must never send the seed of a claim key, and takes nothing a relay says about a mesh for true. */
import type { PeerStream } from '../../core/peer-stream.ts'
import type { Claim, Desk, DeskClient, MeshDocuments, UserProof } from '../../core/private-mesh.ts'
import type { ProtocolHost } from '../../core/protocol.ts'
import { abortable, withDeadline } from '../../shared/async.ts'
import { errorFromWire, MeshError, toMeshError } from '../../shared/errors.ts'
import { createFrameReader, type FrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { CALL_TIMEOUT, FIRST_TIMEOUT, MAX_CALLS, MAX_FRAME, MAX_MINE } from './limits.ts'
import { type CallFrame, decodeRelay, encodeInvite, type FirstFrame, type RelayFrame, VERSION } from './wire.ts'

export function createDeskClient(host: Pick<ProtocolHost, 'open' | 'clock'>): DeskClient {
  return {
    async attend(relay, hello, on, signal) {
      const line = await call(host, relay, { t: 'desk', v: VERSION, ...hello, chain: [...hello.chain] }, signal, on.removed)
      return createDesk(host, line, on, signal)
    },
    mine: (relay, proof, signal) => askMine(host, relay, proof, signal),
    async claim(relay, claim, on, signal) {
      const line = await call(host, relay, { t: 'claim', v: VERSION, ...pick(claim) }, signal)
      on.counted()
      const stop = () => line.stream.abort(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
      try {
        await waitForAnswer(line, on.documents, signal)
      } finally {
        signal.removeEventListener('abort', stop)
        line.stream.abort(new MeshError('CLOSED', 'answered'))
      }
    },
  }
}

async function askMine(
  host: Pick<ProtocolHost, 'open' | 'clock'>,
  relay: string,
  proof: UserProof,
  signal: AbortSignal,
): Promise<readonly MeshDocuments[]> {
  const stream = await host.open(relay, PROTOCOL.invite, { signal })
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  const found: MeshDocuments[] = []
  try {
    return await withDeadline(host.clock, CALL_TIMEOUT, 'the relay', signal, async (own) => {
      const reader = createFrameReader(stream.readable)
      await writer.write(encodeInvite({ t: 'mine', v: VERSION, ...proof }))
      for (;;) {
        const frame = await next(reader, own)
        if (frame?.t === 'documents' && found.length < MAX_MINE) found.push(frame)
        else if (frame?.t === 'ok') return found
        else throw new MeshError('BAD_FRAME', 'the relay did not say ok')
      }
    })
  } finally {
    stream.abort(new MeshError('CLOSED', 'asked'))
  }
}

interface Line {
  readonly stream: PeerStream
  readonly reader: FrameReader
  readonly writer: WritableStreamDefaultWriter<Uint8Array>
  readonly seq: number
}

function pick({ token, nonce, signature, sealing }: Claim): Claim {
  return { token, nonce, signature, sealing }
}

/** A stream whose first frame was answered with ok. */
async function call(
  host: Pick<ProtocolHost, 'open' | 'clock'>,
  relay: string,
  first: FirstFrame,
  signal: AbortSignal,
  removed?: (newest: MeshDocuments) => void,
): Promise<Line> {
  const stream = await host.open(relay, PROTOCOL.invite, { signal })
  const reader = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  try {
    return await withDeadline(host.clock, FIRST_TIMEOUT, 'the relay', signal, async (own) => {
      await writer.write(encodeInvite(first))
      const frame = await next(reader, own, removed)
      if (frame?.t !== 'ok') throw new MeshError('BAD_FRAME', 'the relay did not say ok')
      return { stream, reader, writer, seq: frame.seq }
    })
  } catch (error) {
    stream.abort(error)
    throw error
  }
}

/** The next frame; an error frame is thrown. */
async function next(reader: FrameReader, signal: AbortSignal, removed?: (newest: MeshDocuments) => void): Promise<RelayFrame | undefined> {
  const bytes = await reader.read(MAX_FRAME, signal)
  if (!bytes) return undefined
  const frame = decodeRelay(bytes)
  if (frame.t !== 'error') return frame
  if (frame.newest) removed?.(frame.newest)
  throw errorFromWire(frame)
}

async function waitForAnswer({ reader }: Line, documents: (documents: MeshDocuments) => void, signal: AbortSignal): Promise<void> {
  let admitted = false
  for (;;) {
    const frame = await next(reader, signal)
    if (!frame) throw new MeshError('PATH_LOST', 'the relay ended the stream before an answer')
    if (frame.t === 'documents') {
      documents(frame)
      if (admitted) return
    }
    if (frame.t !== 'answer') continue
    if (frame.code) throw errorFromWire({ code: frame.code, message: 'an owner of the mesh refused this invite' })
    admitted = true
  }
}

type WithoutNumber<T> = T extends unknown ? Omit<T, 'n'> : never

function createDesk({ clock }: Pick<ProtocolHost, 'clock'>, line: Line, on: Parameters<DeskClient['attend']>[2], signal: AbortSignal): Desk {
  const { stream, reader, writer } = line
  const calls = new Map<number, PromiseWithResolvers<void>>()
  let count = 0
  const own = new AbortController()
  const stop = () => own.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })

  const ask = async (frame: WithoutNumber<CallFrame>): Promise<void> => {
    if (own.signal.aborted) throw toMeshError(own.signal.reason, 'PATH_LOST')
    if (calls.size >= MAX_CALLS) throw new MeshError('LIMIT_REACHED', `${MAX_CALLS} calls wait for the relay`)
    const n = ++count
    const answer = Promise.withResolvers<void>()
    calls.set(n, answer)
    try {
      await withDeadline(clock, CALL_TIMEOUT, 'the relay', own.signal, async (deadline) => {
        await writer.write(encodeInvite({ ...frame, n } as CallFrame))
        await abortable(answer.promise, deadline)
      })
    } finally {
      calls.delete(n)
    }
  }
  const follow = async (): Promise<void> => {
    for (;;) {
      const frame = await next(reader, own.signal, on.removed)
      if (!frame) throw new MeshError('PATH_LOST', 'the relay ended the stream')
      if (frame.t === 'documents') on.documents({ seq: frame.seq, document: frame.document, removed: frame.removed })
      else if (frame.t === 'waiting') on.claim({ ...pick(frame), peer: frame.peer })
      else if (frame.t === 'leaving') on.leaving({ peer: frame.peer, leave: frame.leave })
      else if (frame.t === 'done' && frame.code) calls.get(frame.n)?.reject(errorFromWire(frame))
      else if (frame.t === 'done') calls.get(frame.n)?.resolve()
    }
  }
  const closed = follow().catch((error: unknown) => {
    signal.removeEventListener('abort', stop)
    own.abort(toMeshError(error))
    stream.abort(error)
    throw error
  })
  closed.catch(() => undefined)
  return {
    seq: line.seq,
    closed,
    put: (documents) => ask({ t: 'put', ...documents }),
    answer: (invite, peer, code) => ask({ t: 'answer', invite, peer, ...(code ? { code } : {}) }),
    withdraw: (invite, until) => ask({ t: 'withdraw', invite, until }),
    leave: (leave) => ask({ t: 'leave', leave }),
    left: (peer) => ask({ t: 'left', peer }),
  }
}
