/** /dmesh/message/1.0.0 and /dmesh/read/1.0.0, both ends: send() stores first and delivers in order per peer as soon as it is reachable; the receiver stores message and id together before it answers, so each message arrives once. */
import type { MessageService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import type { RecordStore } from '../../core/stores.ts'
import { throwIfAborted } from '../../shared/async.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { type History, openHistory } from './history.ts'
import { createOutbox } from './outbox.ts'
import { createPace } from './pace.ts'
import { receive } from './server.ts'
import { checkOutgoing } from './wire.ts'

export interface MessagesOptions {
  readonly records: RecordStore
  /** [0, 1). Spreads the tries of many peers. Default Math.random. */
  readonly random?: () => number
}

/** Reads the history first, so that it waits for the store. STORAGE_FAILED. */
export async function createMessages({ records, random = Math.random }: MessagesOptions): Promise<Protocol<MessageService>> {
  const history = await openHistory(records)
  return {
    ids: [PROTOCOL.message, PROTOCOL.read],
    may: 'message.send',
    start(host, signal) {
      const flush = createOutbox(host, history, random, signal)
      const pace = createPace(host.clock)
      return { service: createService(host, history, flush), serve: (stream) => receive(stream, host, history, pace) }
    },
  }
}

function createService(host: ProtocolHost, history: History, flush: (peer: string) => void): MessageService {
  return {
    messages: history.messages,
    waiting: history.peersWaiting,
    flush,
    async send(peer, topic, data, { signal } = {}) {
      throwIfAborted(signal)
      const isText = typeof data === 'string'
      const body = isText ? toUtf8(data) : data.slice()
      checkOutgoing(topic, body)
      if (peer === host.identity.peer) throw new MeshError('BAD_ARGUMENT', 'a message to myself')
      const id = crypto.randomUUID()
      await history.send({ id, peer, topic, body, text: isText ? data : undefined, at: host.clock.now() })
      flush(peer)
      return id
    },
    async read(peer, messageId) {
      for (const line of await history.read(peer, messageId)) host.bus.emit('messagechange', line)
      flush(peer)
    },
    settings: history.settings,
    configure: history.configure,
  }
}
