/** How pages come to a worker: connects of a SharedWorker, ports sent to a dedicated one, and knocks of other tabs on a BroadcastChannel, which then carries their pipe. */
import { type Port, toPort } from '../core/port.ts'
import type { Knock, names } from './door-api.ts'

/** What the page sends to a dedicated worker. */
export interface PortMessage {
  readonly t: 'dmesh-port'
  readonly port: MessagePort
}

/** True inside a SharedWorker. */
export function isShared(scope: object): boolean {
  return 'onconnect' in scope
}

/** `accept` is called for each page. Must run in the worker's first task: a SharedWorker's first `connect` does not wait. */
export function openDoor(scope: EventTarget, own: ReturnType<typeof names>, accept: (pipe: Port) => void): void {
  if (isShared(scope)) {
    scope.addEventListener('connect', (event) => {
      const [port] = (event as MessageEvent).ports
      if (port) accept(toPort(port))
    })
    return
  }
  scope.addEventListener('message', (event) => {
    const message = (event as MessageEvent<Partial<PortMessage> | null>).data
    if (message?.t === 'dmesh-port' && message.port) accept(toPort(message.port))
  })
  const door = new BroadcastChannel(own.door)
  const opened = new Set<string>()
  door.addEventListener('message', ({ data }: MessageEvent<Knock>) => {
    if (data.t !== 'knock' || opened.has(data.pipe)) return
    opened.add(data.pipe)
    accept(broadcastPipe(own.pipe(data.pipe)))
    door.postMessage({ t: 'open', pipe: data.pipe } satisfies Knock)
  })
}

/** A BroadcastChannel with two ends as a Port: copies instead of moving, carries no ports. */
function broadcastPipe(name: string): Port {
  return toPort(new BroadcastChannel(name))
}
