/** The message protocol behind a door that is light to load: its code comes once the mesh is joined, or when somebody needs it. Same behaviour as protocol.ts, only later. */
import type { MessageService, Protocol } from '../../core/protocol.ts'
import { singleFlight } from '../../shared/async.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { DEFAULT_SETTINGS, LOAD_DELAY } from './limits.ts'

/** `load` fetches the real one, e.g. by import(). A failed load is tried again at the next need. */
export function createLazyMessages(load: () => Promise<Protocol<MessageService>>): Protocol<MessageService> {
  return {
    ids: [PROTOCOL.message, PROTOCOL.read],
    may: 'message.send',
    start(host, signal) {
      let running: ReturnType<Protocol<MessageService>['start']> | undefined
      const start = singleFlight(async () => {
        running ??= (await load()).start(host, signal)
        const { service } = running
        for (const line of service.messages().slice(-1)) host.bus.emit('messagechange', line) // what is kept is on the screen from now on
        const here = new Set(host.peers().flatMap(({ id, path }) => (path === 'away' ? [] : [id])))
        for (const peer of service.waiting()) if (here.has(peer)) service.flush(peer)
        return running
      })
      const ready = async () => running ?? start()
      const soon = () => void ready().catch(() => host.log('message.load.failed', {}, 'warn'))
      const cancel = host.clock.after(LOAD_DELAY, soon)
      signal.addEventListener('abort', cancel, { once: true })
      const service: MessageService = {
        messages: () => running?.service.messages() ?? [],
        settings: () => running?.service.settings() ?? DEFAULT_SETTINGS,
        /** Asked as soon as others are seen: then joining is over, and nobody is known to wait before the store was read. */
        waiting() {
          if (!running) soon()
          return running?.service.waiting() ?? []
        },
        flush(peer) {
          if (running) running.service.flush(peer)
          else soon() // whoever is here by then is tried
        },
        send: async (...args) => (await ready()).service.send(...args),
        read: async (...args) => (await ready()).service.read(...args),
        configure: async (...args) => (await ready()).service.configure(...args),
      }
      return { service, serve: async (stream) => (await ready()).serve(stream) }
    },
  }
}
