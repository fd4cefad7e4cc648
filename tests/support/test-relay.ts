/** A real relay in this process on free ports, with its own temporary data directory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../relay-server/config/config.ts'
import { type Relay, startRelay } from '../../relay-server/relay.ts'
import { createLog, type LogSink } from '../../src/shared/log.ts'

export interface TestRelayOptions {
  readonly args?: readonly string[]
  readonly dataDir?: string
  readonly sink?: LogSink
  /** Folder of the built page. Default the clone's dist. */
  readonly dist?: string
}

export async function startTestRelay(options: TestRelayOptions = {}): Promise<Relay & { readonly dataDir: string; end(): Promise<void> }> {
  const root = join(import.meta.dirname, '../..')
  const own = options.dataDir === undefined
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'dmesh-relay-')))
  const args = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--udp', '0', '--stun', '0', '--data-dir', dataDir, ...(options.args ?? [])]
  const config = readConfig({ args, env: {}, root })
  const log = createLog(options.sink ?? (() => undefined), { '*': 'debug' })
  const relay = await startRelay(config, { log, version: '0', dist: options.dist ?? join(root, 'dist') })
  return {
    ...relay,
    dataDir,
    async end() {
      await relay.close(0)
      if (own) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
