/** SharedWorker of the storage tests: contract cases over a brokered port to the real storage worker, and over `createWritable`. */
import type { FileSink } from '../../../src/core/stores.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { openOpfsFilesAsync } from '../../../src/storage/opfs-async.worker.ts'
import { createPortFiles, type PortFiles } from '../../../src/storage/port-files.ts'
import { fileStoreCases, patternBytes, resumeCases } from '../../contract/file-store.ts'
import { runCases } from './storage-cases.ts'

declare const self: SharedWorkerGlobalScope

let taken: { files: PortFiles; sink: FileSink } | undefined

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
  /** One tab's storage worker begins a file … */
  begin: async (page) => {
    const files = await portFiles(page)
    const sink = await files.create('takeover')
    await sink.write(patternBytes(300_000, 1))
    taken = { files, sink }
    return 'begun'
  },
  /** Another tab holds on to this worker. */
  meet: async () => (taken ? 'met' : 'nothing was begun'),
  /** … and another tab's goes on, once the first tab is gone. */
  resume: async (page) => {
    if (!taken) throw new Error('nothing was begun')
    const { files, sink } = taken
    const lost = sink.write(patternBytes(300_000, 2)).catch((error: { code?: string }) => error.code)
    files.attach(await freshPort(page))
    const again = await files.create('takeover', { resume: true })
    await again.write(patternBytes(300_000, 1).slice(again.offset))
    await again.write(patternBytes(300_000, 2))
    const { size, sha256 } = await again.finish()
    await files.remove('takeover')
    return { lost: await lost, offset: again.offset, size, sha256 }
  },
  speed: async (page, mib: number) => ({
    port: await speed(await portFiles(page), mib),
    async: await speed(await openOpfsFilesAsync({ directory: 'async-speed' }), mib),
  }),
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

async function portFiles(page: MessagePort): Promise<PortFiles> {
  return createPortFiles(systemClock(), await freshPort(page))
}

/** The port that the page brings when asked. */
function freshPort(page: MessagePort): Promise<MessagePort> {
  return new Promise((resolve) => {
    const listen = ({ data }: MessageEvent<{ port?: MessagePort }>) => {
      if (!data.port) return
      page.removeEventListener('message', listen)
      resolve(data.port)
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
