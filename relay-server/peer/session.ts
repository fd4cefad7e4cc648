/** A command's way to its peer: the one that runs with the data directory, else one of its own for as long as the command lasts, which then serves other commands too. */
import { sleep } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../src/shared/errors.ts'
import { kindOf, tryDataDir } from '../data-dir.ts'
import { createJsonLog } from '../json-log.ts'
import { createLocalClient, type LocalClient } from '../local-api/client.ts'
import type { DirectOptions } from './direct-ways.ts'
import { ATTACH_MS, ATTACH_RETRY } from './limits.ts'
import type { Peer } from './start-peer.ts'

export interface Session {
  readonly client: LocalClient
  readonly dataDir: string
  /** The peer it was attached to is gone: find another, or run one. */
  renew(signal: AbortSignal): Promise<void>
  /** Ends the peer if it is this process's own. Idempotent. */
  close(): Promise<void>
}

export interface SessionOptions {
  /** Absolute. */
  readonly dataDir: string
  readonly version: string
  /** Of a peer that has to be started here. */
  readonly direct: DirectOptions
}

/** NOT_RUNNING for a relay's directory whose relay does not run, and when a process holds the directory and does not answer; BAD_CONFIG, PERMISSION_DENIED. */
export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { dataDir } = options
  const client = createLocalClient(dataDir)
  let own: Peer | undefined
  const renew = async (ending: AbortSignal) => {
    own ??= await attachOrStart(client, options, ending)
  }
  await renew(signal)
  return {
    client,
    dataDir,
    renew,
    async close() {
      await own?.close()
    },
  }
}

/** The peer that had to be started here; undefined when one answers. */
async function attachOrStart(client: LocalClient, { dataDir, version, direct }: SessionOptions, signal: AbortSignal): Promise<Peer | undefined> {
  const clock = systemClock()
  const start = clock.monotonic()
  for (;;) {
    const failure = await client.status().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (!failure) return undefined
    if (codeOf(failure) !== 'NOT_RUNNING' || kindOf(dataDir) === 'relay') throw failure
    const taken = tryDataDir(dataDir, 'peer')
    if (!('holder' in taken)) {
      // Loaded only here: commands that find a running peer should not wait for libp2p.
      const { startPeer } = await import('./start-peer.ts')
      return startPeer(taken, { log: createJsonLog({ '*': 'off' }), version, direct })
    }
    if (clock.monotonic() - start > ATTACH_MS)
      throw new MeshError('NOT_RUNNING', `Process ${taken.holder} uses ${dataDir} and does not answer. Stop it, or choose another --data-dir.`)
    await sleep(clock, ATTACH_RETRY, signal)
  }
}
