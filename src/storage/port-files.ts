/** The client end of port-wire.ts: a FileStore whose bytes lie behind a port, which may go and be replaced while this lives (a tab with its storage worker closes). Must bound what is on its way and end every call. */
import type { FileSink, FileStore } from '../core/stores.ts'
import { createSerial } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { errorFromWire, MeshError, toMeshError } from '../shared/errors.ts'
import { PORT_ATTACH_MS, PORT_CALL_MS, PORT_CREDIT, PORT_FALLBACK_MS, PORT_LONG_CALL_MS, SINK_QUEUE } from './limits.ts'
import type { FileBye, FileCalls, FileOp, FilePort, FileReply } from './port-wire.ts'

export interface PortFiles extends FileStore {
  /** Use this port from now on. Calls, sinks and readers of the one before fail with WORKER_GONE; `create(id, { resume: true })` then goes on. */
  attach(port: FilePort): void
  /** The storage worker is known to be gone: fail what runs now instead of at its deadline. */
  detach(): void
  readonly attached: boolean
}

interface Session {
  call<Op extends FileOp>(op: Op, give: FileCalls[Op]['give'], transfer?: ArrayBuffer[], ms?: number): Promise<FileCalls[Op]['get']>
  end(why: MeshError): void
}

interface Waiter {
  resolve(session: Session): void
  reject(error: MeshError): void
}

/**
 * Without a port a call waits up to PORT_ATTACH_MS for one (WORKER_GONE). `fallback` is asked once for a port of this very thread when none came for
 * PORT_FALLBACK_MS; what runs over it goes on when a better one is attached. Closing this does not close the store at the other end.
 */
export function createPortFiles(clock: Clock, port?: FilePort, fallback?: () => Promise<FilePort>): PortFiles {
  let session: Session | undefined
  let own: Promise<Session> | undefined
  let closed = false
  const waiters = new Set<Waiter>()
  const gone = () => new MeshError('WORKER_GONE', 'the storage worker stopped')
  const current = (): Promise<Session> => {
    if (closed) return Promise.reject(new MeshError('CLOSED', 'the file store was closed'))
    if (session) return Promise.resolve(session)
    if (own) return own
    return new Promise((resolve, reject) => {
      const cancelFallback = clock.after(PORT_FALLBACK_MS, fallBack)
      const cancelWait = clock.after(PORT_ATTACH_MS, () => {
        waiters.delete(waiter)
        reject(gone())
      })
      const cancel = () => {
        cancelFallback()
        cancelWait()
      }
      const waiter: Waiter = {
        resolve(found) {
          cancel()
          resolve(found)
        },
        reject(error) {
          cancel()
          reject(error)
        },
      }
      waiters.add(waiter)
    })
  }
  const fallBack = () => {
    if (!fallback) return
    own ??= fallback().then((local) => createSession(local, clock))
    own.then(
      (found) => settle((waiter) => waiter.resolve(found)),
      (error: unknown) => {
        own = undefined
        settle((waiter) => waiter.reject(toMeshError(error, 'STORAGE_FAILED')))
      },
    )
  }
  const settle = (end: (waiter: Waiter) => void) => {
    for (const waiter of waiters) end(waiter)
    waiters.clear()
  }
  const call = async <Op extends FileOp>(op: Op, give: FileCalls[Op]['give']): Promise<FileCalls[Op]['get']> => (await current()).call(op, give)
  const store: PortFiles = {
    get attached() {
      return session !== undefined
    },
    attach(next) {
      session?.end(gone())
      if (closed) return next.close()
      const fresh = createSession(next, clock)
      session = fresh
      settle((waiter) => waiter.resolve(fresh))
    },
    detach() {
      session?.end(gone())
      session = undefined
    },
    async create(id, { resume = false } = {}) {
      const bound = await current()
      const { sink, offset, prefix } = await bound.call('create', { id, resume }, [], resume ? PORT_LONG_CALL_MS : PORT_CALL_MS)
      return createSink(bound, { sink, offset, prefix })
    },
    read: (id, offset = 0) => createReader(current, id, offset),
    open: (id) => call('open', { id }),
    size: (id) => call('size', { id }),
    remove: (id) => call('remove', { id }),
    estimate: () => call('estimate', {}),
    async close() {
      if (closed) return
      closed = true
      const why = new MeshError('CLOSED', 'the file store was closed')
      session?.end(why)
      session = undefined
      settle((waiter) => waiter.reject(why))
      own?.then(
        (found) => found.end(why),
        () => undefined,
      )
    },
  }
  if (port) store.attach(port)
  return store
}

/** All calls over one port. After `end` every call, running or new, rejects with its reason. */
function createSession(port: FilePort, clock: Clock): Session {
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: MeshError): void }>()
  let ended: MeshError | undefined
  let next = 1
  port.addEventListener('message', ({ data }) => {
    const reply = data as FileReply | FileBye
    if ('bye' in reply) return session.end(new MeshError('WORKER_GONE', 'the storage worker let go of this port'))
    const waiting = pending.get(reply.n)
    if ('error' in reply) waiting?.reject(errorFromWire(reply.error))
    else waiting?.resolve(reply.get)
  })
  port.start?.()
  const session: Session = {
    call(op, give, transfer = [], ms = PORT_CALL_MS) {
      if (ended) return Promise.reject(ended)
      const n = next++
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const cancel = clock.after(ms, () => reject(new MeshError('TIMEOUT', `storage worker: no answer to ${op} in ${ms} ms`)))
      pending.set(n, { resolve, reject })
      port.postMessage({ n, op, give }, transfer)
      return promise.finally(() => {
        cancel()
        pending.delete(n)
      }) as Promise<never>
    },
    end(why) {
      if (ended) return
      ended = why
      for (const { reject } of pending.values()) reject(why)
      port.close()
    },
  }
  return session
}

/** `write` may be called again before it settles, until PORT_CREDIT bytes are on their way; then it waits its turn. */
function createSink(session: Session, { sink, offset, prefix }: FileCalls['create']['get']): FileSink {
  const inTurn = createSerial(SINK_QUEUE)
  let inFlight = 0
  let ended: MeshError | undefined
  let wake: (() => void) | undefined
  const post = async (chunk: Uint8Array<ArrayBuffer>): Promise<{ done: Promise<unknown> }> => {
    while (inFlight > 0 && inFlight + chunk.byteLength > PORT_CREDIT) await new Promise<void>((resolve) => (wake = resolve))
    if (ended) throw ended
    // A view of a larger buffer is copied: transferring would take the rest from its owner.
    const own = chunk.byteLength === chunk.buffer.byteLength ? chunk : chunk.slice()
    const length = own.byteLength
    inFlight += length
    const done = session.call('write', { sink, chunk: own }, [own.buffer]).finally(() => {
      inFlight -= length
      wake?.()
    })
    // The caller gets this one below; without a listener in this very turn a failure would count as unhandled.
    done.catch(() => undefined)
    return { done }
  }
  return {
    offset,
    ...(prefix === undefined ? {} : { prefix }),
    async write(chunk) {
      if (ended) throw ended
      const { done } = await inTurn(() => post(chunk))
      await done
    },
    finish: async () => {
      if (ended) throw ended
      const work = inTurn(() => session.call('finish', { sink }, [], PORT_LONG_CALL_MS))
      ended = new MeshError('CLOSED', 'the file is finished')
      return work
    },
    async release() {
      if (ended) return
      const work = inTurn(() => session.call('release', { sink }))
      ended = new MeshError('CLOSED', 'the file was let go of')
      await work
    },
    async discard() {
      if (ended) return
      ended = new MeshError('CLOSED', 'the file was discarded')
      await session.call('discard', { sink })
    },
  }
}

function createReader(current: () => Promise<Session>, id: string, offset: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  let bound: Session | undefined
  let reader: number | undefined
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          bound ??= await current()
          reader ??= (await bound.call('read', { id, offset })).reader
          const chunk = await bound.call('pull', { reader })
          if (chunk) controller.enqueue(chunk)
          else controller.close()
        } catch (error) {
          controller.error(toMeshError(error, 'STORAGE_FAILED'))
        }
      },
      async cancel() {
        // A session that ended took the reader along.
        if (bound && reader !== undefined) await bound.call('cancel', { reader }).catch(() => undefined)
      },
    },
    { highWaterMark: 1 },
  )
}
