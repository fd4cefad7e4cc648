/** /dmesh/message/1.0.0, both ends: send() stores first and delivers in order per peer as soon as it is reachable; the receiver remembers ids before it answers, so each message arrives once. */
import { backoff } from '../../core/backoff.ts'
import type { MessageService, Protocol, ProtocolHost } from '../../core/protocol.ts'
import type { RecordStore } from '../../core/stores.ts'
import { sleep } from '../../shared/async.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { MeshError, toMeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { deliver } from './client.ts'
import { type History, openHistory } from './history.ts'
import { MAX_WAITING_PER_PEER, RETRY } from './limits.ts'
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
    ids: [PROTOCOL.message],
    may: 'message.send',
    start(host, signal) {
      const outbox = createOutbox(host, history, random, signal)
      const pace = createPace(host.clock)
      return { service: createService(host, history, outbox), serve: (stream) => receive(stream, host, history, pace) }
    },
  }
}

function createService(host: ProtocolHost, history: History, flush: (peer: string) => void): MessageService {
  return {
    messages: () => history.messages(),
    flush,
    async send(peer, topic, data) {
      const isText = typeof data === 'string'
      const body = isText ? toUtf8(data) : data.slice()
      checkOutgoing(topic, body)
      if (peer === host.identity.peer) throw new MeshError('BAD_ARGUMENT', 'a message to myself')
      if (history.waiting(peer).length >= MAX_WAITING_PER_PEER)
        throw new MeshError('LIMIT_REACHED', `${MAX_WAITING_PER_PEER} messages wait for this peer`)
      const message = { id: crypto.randomUUID(), peer, topic, body, isText, at: host.clock.now() }
      await history.enqueue(message)
      const text = isText ? data : undefined
      await history.add({ id: message.id, peer, topic, direction: 'out', text, size: body.byteLength, status: 'waiting', at: message.at })
      flush(peer)
      return message.id
    },
  }
}

/** One delivery loop a peer; it ends when its queue is empty, the peer is away, or it refuses. */
function createOutbox(host: ProtocolHost, history: History, random: () => number, signal: AbortSignal): (peer: string) => void {
  const running = new Set<string>()
  const loop = async (peer: string) => {
    for (let attempt = 0; !signal.aborted; ) {
      const waiting = history.waiting(peer)
      if (waiting.length === 0) return
      try {
        await deliver(
          host,
          peer,
          () => history.waiting(peer)[0],
          async (message) => {
            await history.dequeue(message)
            const line = await history.delivered(message.id)
            if (line) host.bus.emit('messagechange', line)
          },
          signal,
        )
        attempt = 0
      } catch (error) {
        const { code } = toMeshError(error)
        host.log('message.waits', { peer, code, attempt, waiting: waiting.length }, 'debug')
        if (!host.peers().some((one) => one.id === peer && one.path !== 'away')) return
        attempt++
        await sleep(host.clock, backoff(attempt, random(), RETRY), signal)
      }
    }
  }
  return (peer) => {
    if (running.has(peer) || history.waiting(peer).length === 0) return
    running.add(peer)
    loop(peer)
      .catch(() => undefined)
      .finally(() => running.delete(peer))
  }
}
