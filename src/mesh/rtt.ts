/** Round-trip time and liveness of every connection over the standard /ipfs/ping/1.0.0 (libp2p ping spec: 32 bytes come back): one long stream each, so a measurement costs one round trip and no negotiation. A connection that stays silent is cut. */
import type { Connection, Stream } from '@libp2p/interface'
import { sleep, withDeadline } from '../shared/async.ts'
import { equal } from '../shared/bytes.ts'
import type { Clock } from '../shared/clock.ts'
import { codeOf, MeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { FOREIGN } from '../wire/ids.ts'
import { RTT_INTERVAL, RTT_STRIKES, RTT_TIMEOUT } from './limits.ts'
import { toPeerStream } from './peer-stream.ts'

const PING_BYTES = 32 // libp2p ping spec

export interface RttParts {
  readonly clock: Clock
  readonly log: Log
  /** Told each measurement, ms. */
  readonly measured: (connection: Connection, rtt: number) => void
  readonly signal: AbortSignal
}

export interface RttMeter {
  /** Measure now, ms. TIMEOUT, PATH_LOST. */
  measure(connection: Connection, signal?: AbortSignal): Promise<number>
  /** Measure until the connection closes; cut it when it stays silent. */
  watch(connection: Connection): void
}

type Probe = (signal?: AbortSignal) => Promise<number>

export function createRttMeter(parts: RttParts): RttMeter {
  const probes = new WeakMap<Connection, Promise<Probe>>()
  const probeOf = (connection: Connection): Promise<Probe> => {
    let probe = probes.get(connection)
    if (!probe) {
      probe = openProbe(connection, parts.clock)
      probes.set(connection, probe)
    }
    return probe
  }
  const measure = async (connection: Connection, signal?: AbortSignal): Promise<number> => {
    try {
      const once = () => withDeadline(parts.clock, RTT_TIMEOUT, 'ping', signal, async (own) => (await probeOf(connection))(own))
      // Other implementations end a quiet ping stream after some seconds: that is not a lost peer.
      const rtt = await once().catch((error: unknown) => {
        if (codeOf(error) !== 'STREAM_RESET' && codeOf(error) !== 'PATH_LOST') throw error
        probes.delete(connection)
        return once()
      })
      parts.measured(connection, rtt)
      return rtt
    } catch (error) {
      probes.delete(connection) // the stream is out of step now: the next measurement opens a new one
      throw error
    }
  }
  return {
    measure,
    watch(connection) {
      void watch(connection, measure, parts)
    },
  }
}

async function watch(connection: Connection, measure: RttMeter['measure'], { clock, log, signal }: RttParts): Promise<void> {
  let strikes = 0
  // Its own: each listener of a signal that all share is looked for among thousands. When the mesh stops, its connections close.
  const over = new AbortController()
  connection.addEventListener('close', () => over.abort(), { once: true })
  while (connection.status === 'open' && !signal.aborted) {
    try {
      await measure(connection, over.signal)
      strikes = 0
    } catch (error) {
      if (signal.aborted || connection.status !== 'open') return
      // A peer that does not speak ping says so, and that is no silence: ping is not a must in libp2p.
      strikes = (error as Error).name === 'UnsupportedProtocolError' ? 0 : strikes + 1
      log('mesh.rtt.missed', { peer: connection.remotePeer.toString(), strikes }, 'debug')
      if (strikes >= RTT_STRIKES) return connection.abort(new MeshError('PATH_LOST', 'the connection stayed silent'))
    }
    await sleep(clock, strikes > 0 ? 0 : RTT_INTERVAL, over.signal).catch(() => undefined)
  }
}

async function openProbe(connection: Connection, clock: Clock): Promise<Probe> {
  const raw = await connection.newStream(FOREIGN.ping, { runOnLimitedConnection: true, signal: AbortSignal.timeout(RTT_TIMEOUT) })
  const stream = toPeerStream(raw, { peer: connection.remotePeer.toString(), protocol: FOREIGN.ping, path: 'direct' })
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  let tail: Promise<unknown> = Promise.resolve()
  const once = async (signal?: AbortSignal): Promise<number> => {
    const sent = crypto.getRandomValues(new Uint8Array(PING_BYTES))
    const onAbort = () => stream.abort(new MeshError('TIMEOUT', 'no ping answer'))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const start = clock.monotonic()
      await writer.write(sent.slice())
      let got = new Uint8Array()
      while (got.byteLength < PING_BYTES) {
        const { done, value } = await reader.read()
        if (done) throw new MeshError('PATH_LOST', 'the ping stream ended')
        got = Uint8Array.from([...got, ...value])
      }
      if (!equal(got, sent)) throw new MeshError('BAD_FRAME', 'a wrong ping answer')
      return Math.max(0.1, Math.round((clock.monotonic() - start) * 10) / 10)
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
  return (signal) => {
    const run = tail.then(() => once(signal))
    tail = run.catch(() => undefined)
    return run
  }
}

/** The answering half: every byte comes back, for as long as the opener likes. */
export async function answerPing(raw: Stream): Promise<void> {
  const stream = toPeerStream(raw, { peer: '', protocol: FOREIGN.ping, path: 'direct' })
  await stream.readable.pipeTo(stream.writable).catch(() => undefined)
}
