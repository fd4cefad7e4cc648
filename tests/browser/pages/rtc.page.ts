/** Page of the RTC tests: hosts the connections and passes commands to a worker. Loaded by tests/browser/rtc.test.ts, driven through `globalThis.test`. */
import { toPort } from '../../../src/core/port.ts'
import { serveRtcHost } from '../../../src/transports/webrtc/host.page.ts'
import { exchange } from './rtc-exchange.ts'

const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
let next = 1
let target: MessagePort | Worker | undefined
let hosted: { size(): number } | undefined

const api = {
  start(kind: 'shared' | 'dedicated') {
    if (kind === 'shared') {
      const shared = new SharedWorker(new URL('./rtc.worker.ts', import.meta.url), { type: 'module', name: 'rtc-test' })
      target = shared.port
    } else target = new Worker(new URL('./rtc.worker.ts', import.meta.url), { type: 'module' })
    target.onmessage = ({ data }) => {
      const call = waiting.get(data.id)
      if (data.error) call?.reject(new Error(data.error))
      else call?.resolve(data.value)
    }
  },
  async host(name: string) {
    await new Promise<void>((resolve) => {
      void navigator.locks.request(`host-${name}`, () => {
        resolve()
        return new Promise(() => undefined)
      })
    })
    const { port1, port2 } = new MessageChannel()
    hosted = serveRtcHost({ port: toPort(port1), log: () => undefined })
    target?.postMessage({ host: name }, [port2])
    target?.postMessage({ lock: `host-${name}`, of: name })
  },
  hosted: () => hosted?.size(),
  call(command: string, ...args: unknown[]) {
    const id = next++
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      target?.postMessage({ id, command, args })
    })
  },
  raw: (total: number, size?: number) => exchange(total, size),
}

Object.assign(globalThis, { test: api })
