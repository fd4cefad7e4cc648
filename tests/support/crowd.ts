/** Many peers for one relay, in child processes, and the relay's own numbers: heap after a collection, resident memory, open descriptors. */
import { fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import type { RelayProcess } from './relay-process.ts'

export type CrowdTask =
  | {
      readonly kind: 'join'
      readonly address: string
      readonly count: number
      readonly network: number
      readonly networks: number
      readonly reserve?: true
    }
  | {
      readonly kind: 'cycle'
      readonly address: string
      readonly count: number
      readonly network: number
      readonly networks: number
      readonly reserve?: true
    }
  | { readonly kind: 'leave' }

export interface CrowdAnswer {
  /** Of 'join': members now. Of 'cycle': cycles that came to their end. */
  readonly members: number
  /** Sentences, with how often. */
  readonly failures: Readonly<Record<string, number>>
}

export interface Crowd {
  do(task: CrowdTask): Promise<CrowdAnswer>
  /** Its process stands still (SIGSTOP): sockets stay open and are read no more. */
  freeze(): void
  /** Kill it: its sockets end as those of a machine that lost power do not, with a reset. */
  end(): void
}

export function startCrowd(): Crowd {
  const child = fork(join(import.meta.dirname, 'crowd-program.ts'), { execArgv: ['--max-old-space-size=6000'] })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  return {
    do: (task) =>
      new Promise((done, fail) => {
        const over = (code: number | null) => fail(new Error(`the crowd ended with ${code}`))
        child.once('exit', over)
        child.once('message', (answer) => {
          child.off('exit', over)
          done(answer as CrowdAnswer)
        })
        child.send(task)
      }),
    freeze: () => void child.kill('SIGSTOP'),
    end() {
      process.off('exit', kill)
      kill()
    },
  }
}

export interface RelayCost {
  /** Bytes of JavaScript heap and of buffers outside it, after a full collection. */
  readonly heap: number
  /** Bytes of resident memory. */
  readonly resident: number
  readonly descriptors: number
}

/** `NODE_OPTIONS` for startRelayProcess, so that measure() can ask for a collection. */
export const MEASURABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** What the relay holds now. The relay must have been started with MEASURABLE. */
export async function measure(relay: RelayProcess): Promise<RelayCost> {
  const url = /ws:\/\/\S+/.exec(relay.err())?.[0]
  if (!url) throw new Error('the relay was not started with MEASURABLE')
  const socket = new WebSocket(url)
  await new Promise((done, fail) => socket.once('open', done).once('error', fail))
  let id = 0
  const ask = (method: string): Promise<Record<string, number>> =>
    new Promise((done) => {
      const own = ++id
      const listen = (data: Buffer) => {
        const answer = JSON.parse(data.toString()) as { id?: number; result?: Record<string, number> }
        if (answer.id !== own) return
        socket.off('message', listen)
        done(answer.result ?? {})
      }
      socket.on('message', listen)
      socket.send(JSON.stringify({ id: own, method }))
    })
  // Twice: what finalizers of the first one let go of.
  for (let i = 0; i < 2; i++) await ask('HeapProfiler.collectGarbage')
  const { usedSize = 0, backingStorageSize = 0 } = await ask('Runtime.getHeapUsage')
  socket.terminate()
  const pid = relay.child.pid as number
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    heap: usedSize + backingStorageSize,
    resident: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}
