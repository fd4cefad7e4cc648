/** Pub/sub behind a door that is light to load: nothing of it is there before the first publish or subscribe. */
import type { Pubsub, PubsubService } from '../../core/protocol.ts'
import { singleFlight } from '../../shared/async.ts'

/** `load` fetches the real one, e.g. by import(). A failed load is tried again at the next need. */
export function createLazyPubsub(load: () => Promise<Pubsub>): Pubsub {
  return {
    start(host, signal) {
      let running: PubsubService | undefined
      const start = singleFlight(async () => {
        running ??= (await load()).start(host, signal)
        return running
      })
      const ready = async () => running ?? start()
      return {
        publish: async (...args) => (await ready()).publish(...args),
        subscribe: async (...args) => (await ready()).subscribe(...args),
      }
    },
  }
}
