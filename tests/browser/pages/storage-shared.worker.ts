/** SharedWorker of the storage tests: contract cases over a brokered port to the real storage worker, and over `createWritable`. */
import { systemClock } from '../../../src/shared/clock.ts'
import { openOpfsFilesAsync } from '../../../src/storage/opfs-async.worker.ts'
import { createPortFiles, type PortFiles } from '../../../src/storage/port-files.ts'
import { fileStoreCases, resumeCases } from '../../contract/file-store.ts'
import { runCases } from './storage-cases.ts'

declare const self: SharedWorkerGlobalScope

const jobs: Record<string, (page: MessagePort, argument: never) => Promise<unknown>> = {
  port: (page) =>
    runCases([...fileStoreCases, ...resumeCases], async (one) => {
      const store = await portFiles(page)
      await one.run(store)
      await store.close()
    }),
  async: () =>
    runCases([...fileStoreCases, ...resumeCases], async (one, index) => {
      const store = await openOpfsFilesAsync({ directory: `async-${index}` })
      await one.run(store)
      await store.close()
    }),
  speed: async (page, mib: number) => ({ port: await speed(await portFiles(page), mib), async: await speed(await openOpfsFilesAsync({ directory: 'async-speed' }), mib) }),
}

/** MB/s of one file, two writes under way at a time as a transfer does. */
async function speed(store: Pick<PortFiles, 'create' | 'remove' | 'close'>, mib: number): Promise<number> {
  const since = performance.now()
  const sink = await store.create('speed')
  let last: Promise<void> = Promise.resolve()
  for (let i = 0; i < mib * 4; i++) {
    const write = sink.write(new Uint8Array(262_144))
    await last
    last = write
  }
  await last
  await sink.finish()
  const rate = Math.round((mib * 1_048_576) / 1000 / (performance.now() - since))
  await store.remove('speed')
  await store.close()
  return rate
}

/** A store over the newest port that the page brings, waiting for the one it asks for. */
function portFiles(page: MessagePort): Promise<PortFiles> {
  return new Promise((resolve) => {
    const listen = ({ data }: MessageEvent<{ port?: MessagePort }>) => {
      if (!data.port) return
      page.removeEventListener('message', listen)
      resolve(createPortFiles(systemClock(), data.port))
    }
    page.addEventListener('message', listen)
    page.postMessage({ want: 'port' })
  })
}

self.onconnect = ({ ports }) => {
  const page = ports[0] as MessagePort
  page.addEventListener('message', async ({ data }: MessageEvent<{ job?: string; argument?: unknown }>) => {
    if (!data.job) return
    try {
      page.postMessage({ value: await jobs[data.job]?.(page, data.argument as never) })
    } catch (error) {
      page.postMessage({ error: String(error) })
    }
  })
  page.start()
}
