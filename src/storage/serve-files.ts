/** The server end of port-wire.ts: answers calls on a port from a FileStore beside it (the storage worker). Must keep a bounded number of handles, whatever the other end asks. */
import type { FileSink, FileStore } from '../core/stores.ts'
import { errorToWire, MeshError } from '../shared/errors.ts'
import { discard } from '../shared/spent.ts'
import { PORT_HANDLES } from './limits.ts'
import type { FileBye, FileCalls, FileOp, FilePort, FileReply, FileRequest } from './port-wire.ts'

type Answer<Op extends FileOp> = (give: FileCalls[Op]['give']) => Promise<FileCalls[Op]['get']>
type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>

/** Serves until the returned function is called, which says so to the other end and closes the port. Open sinks stay with the store: the next `create` of their id takes over. */
export function serveFiles(port: FilePort, store: FileStore): () => void {
  const sinks = createHandles<FileSink>()
  const readers = createHandles<Reader>()
  const answers = createAnswers(store, sinks, readers)
  let stopped = false
  port.addEventListener('message', ({ data }) => {
    const request = data as FileRequest
    if (stopped || !Object.hasOwn(answers, request.op)) return
    const answer = answers[request.op] as Answer<FileOp>
    answer(request.give as never).then(
      (get) => reply({ n: request.n, get }, get instanceof Uint8Array ? [get.buffer] : []),
      (error: unknown) => reply({ n: request.n, error: errorToWire(error) }, []),
    )
  })
  const reply = (message: FileReply, transfer: ArrayBuffer[]) => {
    if (!stopped) port.postMessage(message, transfer)
  }
  port.start?.()
  return () => {
    stopped = true
    const bye: FileBye = { bye: true }
    port.postMessage(bye, [])
    for (const reader of readers.all()) reader.cancel().catch(() => undefined)
    port.close()
  }
}

function createAnswers(store: FileStore, sinks: Handles<FileSink>, readers: Handles<Reader>): { [Op in FileOp]: Answer<Op> } {
  return {
    async create({ id, resume }) {
      sinks.check()
      const sink = await store.create(id, { resume })
      return { sink: sinks.add(sink), offset: sink.offset, prefix: sink.prefix }
    },
    async write({ sink, chunk }) {
      await sinks.get(sink).write(chunk)
      // It came here by transfer, and a store keeps no chunk.
      discard(chunk.buffer)
      return undefined
    },
    async finish({ sink }) {
      try {
        return await sinks.get(sink).finish()
      } finally {
        sinks.drop(sink)
      }
    },
    async release({ sink }) {
      await sinks.find(sink)?.release()
      sinks.drop(sink)
      return undefined
    },
    async discard({ sink }) {
      await sinks.find(sink)?.discard()
      sinks.drop(sink)
      return undefined
    },
    async read({ id, offset }) {
      readers.check()
      return { reader: readers.add(store.read(id, offset).getReader()) }
    },
    async pull({ reader }) {
      try {
        const { done, value } = await readers.get(reader).read()
        if (done) readers.drop(reader)
        return value
      } catch (error) {
        readers.drop(reader)
        throw error
      }
    },
    async cancel({ reader }) {
      await readers.find(reader)?.cancel()
      readers.drop(reader)
      return undefined
    },
    open: ({ id }) => store.open(id),
    size: ({ id }) => store.size(id),
    remove: async ({ id }) => store.remove(id) as Promise<undefined>,
    estimate: () => store.estimate(),
  }
}

interface Handles<T> {
  /** LIMIT_REACHED when no more may be opened. */
  check(): void
  add(value: T): number
  find(handle: number): T | undefined
  /** CLOSED for one that is gone. */
  get(handle: number): T
  drop(handle: number): void
  all(): readonly T[]
}

function createHandles<T>(): Handles<T> {
  const live = new Map<number, T>()
  let next = 1
  return {
    check() {
      if (live.size >= PORT_HANDLES) throw new MeshError('LIMIT_REACHED', `${PORT_HANDLES} files are open`)
    },
    add(value) {
      live.set(next, value)
      return next++
    },
    find: (handle) => live.get(handle),
    get(handle) {
      const value = live.get(handle)
      if (value === undefined) throw new MeshError('CLOSED', 'this file is not open')
      return value
    },
    drop: (handle) => void live.delete(handle),
    all: () => [...live.values()],
  }
}
