/** STUN Binding requests as an unknown dialer sends them, right or wrong, and a listener process to send them to. */
import { Buffer } from 'node:buffer'
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { ATTRIBUTE, encodeStun, TYPE } from '../../../relay-server/stun/wire.ts'
import type { ListenerLimits } from '../../../src/transports/webrtc-direct/limits.ts'
import type { DirectCounters } from '../../../src/transports/webrtc-direct/listener.node.ts'

/** Its integrity is noise: a listener that does not know the dialer cannot check it before it looks at the name. */
export function bindingRequest(username: Uint8Array | string): Buffer {
  const attributes = [
    { type: ATTRIBUTE.USERNAME, value: Buffer.from(username as string) },
    { type: 0x802a, value: randomBytes(8) },
    { type: ATTRIBUTE.PRIORITY, value: Buffer.of(0x6e, 0, 1, 0xff) },
    { type: ATTRIBUTE.MESSAGE_INTEGRITY, value: randomBytes(20) },
  ]
  return encodeStun({ type: TYPE.BINDING_REQUEST, transaction: randomBytes(12), attributes })
}

export interface VictimState extends DirectCounters {
  readonly address: string
  readonly pending: number
  /** Bytes of JavaScript's heap and buffers after a collection. */
  readonly held: number
  /** How the streams ended that it never reads: a code, or 'open'. */
  readonly unread: readonly string[]
}

export interface Victim {
  readonly child: ChildProcess
  state(): Promise<VictimState>
  stop(): Promise<void>
}

export interface VictimOptions {
  readonly limits?: Partial<ListenerLimits>
  /** Data directory of its certificate. Default: a certificate that is not kept. */
  readonly dir?: string
  readonly listen?: readonly string[]
}

export async function startVictim(options: VictimOptions): Promise<Victim> {
  const child = fork(new URL('./listener-process.ts', import.meta.url), [JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--expose-gc'],
  })
  await once(child, 'message')
  return {
    child,
    async state() {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the listener ended: ${child.exitCode ?? child.signalCode}`)
      const done = new AbortController()
      const ended = once(child, 'exit', { signal: done.signal }).then(() =>
        Promise.reject(new Error(`the listener ended: ${child.signalCode ?? child.exitCode}`)),
      )
      ended.catch(() => undefined)
      const answer = once(child, 'message', { signal: done.signal })
      child.send('state')
      try {
        return ((await Promise.race([answer, ended])) as [VictimState])[0]
      } finally {
        answer.catch(() => undefined)
        done.abort()
      }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

export interface Sender {
  send(data: Uint8Array): Promise<void>
  close(): void
}

/** A UDP socket on loopback with a port of its own; `from` is any address of 127.0.0.0/8. */
export async function openSender(port: number, from = '127.0.0.1'): Promise<Sender> {
  const socket = createSocket('udp4')
  socket.bind(0, from)
  await once(socket, 'listening')
  // What the listener answers is of no interest; without a listener Node.js drops it.
  return {
    send: (data) => new Promise((resolve, reject) => socket.send(data, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()))),
    close: () => socket.close(),
  }
}
