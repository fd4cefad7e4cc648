/** Builds tests/interop/go-peer into .cache and drives it: one line of JSON a request, one an answer. The build is the same on every machine: versions are pinned in go.mod, sums in go.sum. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../../tools/say.mjs'
import type { ForeignConnection, ForeignPeer, Place } from './foreign-peer.ts'

const SOURCE = join(import.meta.dirname, 'go-peer')
const FOLDER = join(root, '.cache', 'go-peer')
/** Where buildGoPeer() puts it. */
export const PROGRAM = join(FOLDER, 'go-peer')
/** ms for fetching and compiling some 300 packages; 2 idle cores take about 70 s, a warm cache 1 s. */
const BUILD_MS = 480_000
/** ms for any answer; the program itself gives up after 30 s. */
const ANSWER_MS = 40_000
const STOP_MS = 5_000

/** Why the Go program cannot run here; undefined when it can. Go itself is nothing that a test may install. */
export function goMissing(): string | undefined {
  const { error } = spawnSync('go', ['version'])
  return error ? 'go: it is not installed. Install Go 1.25 or newer yourself to run the tests against go-libp2p.' : undefined
}

/** Compiles what changed; rejects with what the compiler said. */
export async function buildGoPeer(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  const args = ['build', '-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags=-s -w', '-o', PROGRAM, '.']
  const child = spawn('go', args, { cwd: SOURCE, env: { ...process.env, CGO_ENABLED: '0' }, stdio: ['ignore', 'pipe', 'pipe'], timeout: BUILD_MS })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`go build ended with ${code ?? `a signal, perhaps after ${BUILD_MS} ms`}:\n${said.trim()}`)
}

export interface GoPeerOptions {
  readonly listen?: readonly string[]
  /** Version of the webrtc-direct handshake it dials with. Default 1. */
  readonly direct?: 1 | 2
  /** Announces itself on the LAN; `dial` = dials who is found. Default neither. */
  readonly mdns?: 'wait' | 'dial'
  /** Put in front of its command line, e.g. to run it in a network namespace. */
  readonly wrap?: readonly string[]
}

interface Answer {
  readonly id: number
  readonly error?: string
  readonly value?: unknown
}

/** A running one. It ends with close() or with this process. */
export async function startGoPeer({ listen = [], direct = 1, mdns, wrap = [] }: GoPeerOptions = {}): Promise<ForeignPeer> {
  const line = [...wrap, PROGRAM, `-listen=${listen.join(',')}`, `-webrtc-direct=${direct}`, ...(mdns ? [`-mdns=${mdns}`] : [])]
  const child = spawn(line[0] as string, line.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
  const waiting = new Map<number, (answer: Answer) => void>()
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const fail = () => {
    for (const [id, settle] of waiting) settle({ id, error: `go-peer ended: ${said}` })
  }
  child.once('error', (error) => (said += error.message))
  void ended.then(fail)
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer
    waiting.get(answer.id)?.(answer)
  })
  const answerTo = async <T>(id: number): Promise<T> => {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    waiting.set(id, resolve)
    const timer = setTimeout(() => resolve({ id, error: `go-peer gave no answer in ${ANSWER_MS} ms: ${said}` }), ANSWER_MS)
    const answer = await promise
    clearTimeout(timer)
    waiting.delete(id)
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.value as T
  }
  let last = 0
  const ask = <T>(what: string, more: Readonly<Record<string, unknown>> = {}): Promise<T> => {
    const id = ++last
    const answered = answerTo<T>(id)
    child.stdin.write(`${JSON.stringify({ id, do: what, ...more })}\n`)
    return answered
  }
  const hello = await answerTo<{ peer: string; addresses: string[] }>(0)
  return {
    ...hello,
    dial: (addr) => ask('dial', { addr }),
    connections: (peer) => ask<ForeignConnection[]>('connections', { peer }),
    ping: (peer) => ask<number>('ping', { peer }),
    identify: (peer) => ask('identify', { peer }),
    echo: (peer, bytes, { limited = false } = {}) => ask('echo', { peer, bytes, limited }),
    reserve: (addr) => ask<Place>('reserve', { addr }),
    hangUp: (peer) => ask('hang-up', { peer }),
    async close() {
      child.stdin.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(timer)
    },
  }
}
