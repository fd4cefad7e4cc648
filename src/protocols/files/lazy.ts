/** The file protocol behind a door that is light to load: its code comes when the mesh is up or somebody needs it, whichever is first. Same behaviour as protocol.ts, only later. */
import { lateFiles } from '../../core/late-calls.ts'
import type { FilesService, Protocol } from '../../core/protocol.ts'
import { singleFlight } from '../../shared/async.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { LOAD_DELAY } from './limits.ts'

/** `load` fetches the real one, e.g. by import(). A failed load is tried again at the next need. */
export function createLazyFiles(load: () => Promise<Protocol<FilesService>>): Protocol<FilesService> {
  return {
    ids: [PROTOCOL.files],
    may: 'file.offer',
    start(host, signal) {
      let running: ReturnType<Protocol<FilesService>['start']> | undefined
      const start = singleFlight(async () => {
        running ??= (await load()).start(host, signal)
        return running
      })
      const ready = async () => running ?? start()
      // Earlier transfers belong on the screen, but joining comes first.
      const cancel = host.clock.after(LOAD_DELAY, () => void ready().catch(() => host.log('files.load.failed', {}, 'warn')))
      signal.addEventListener('abort', cancel, { once: true })
      const service: FilesService = {
        transfers: () => running?.service.transfers() ?? [],
        ...lateFiles(async () => (await ready()).service),
      }
      return { service, serve: async (...args) => (await ready()).serve(...args), more: (peer) => running?.more?.(peer) === true }
    },
  }
}
