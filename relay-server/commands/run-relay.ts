/** `dmesh relay`: starts a relay, says where it is, and ends it in order: the first SIGTERM or SIGINT drains, the second exits at once, SIGHUP reads files again. */
import { join } from 'node:path'
import { codeOf } from '../../src/shared/errors.ts'
import { readConfig } from '../config/config.ts'
import { createJsonLog } from '../json-log.ts'
import { startRelay } from '../relay.ts'
import { readVersion } from '../start-parts.ts'
import { renderStart } from '../start-text.ts'
import type { Terminal } from './terminal.ts'

/** Resolves with the exit code once the relay has stopped. */
export async function runRelay(args: readonly string[], { env, root, out }: Terminal): Promise<number> {
  const config = readConfig({ args, env, root })
  const log = createJsonLog(config.log)
  const relay = await startRelay(config, { log, version: readVersion(root), dist: join(root, 'dist') })
  out(
    renderStart({
      ...relay,
      lobbyChosen: config.lobby !== undefined,
      dataDir: config.dataDir,
      terminal: { isTTY: process.stdout.isTTY ?? false, columns: process.stdout.columns ?? 80 },
    }),
  )
  const ended = Promise.withResolvers<number>()
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(130)
    stopping = true
    relay.close().then(() => ended.resolve(0), ended.reject)
  }
  const onHangup = () =>
    void relay
      .reload()
      .catch((error: unknown) => log.log('relay.reload.failed', { code: codeOf(error), message: String((error as Error).message) }, 'error'))
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', onHangup)
  // A promise that nobody awaits inside a library must not take every peer down with it.
  process.on('unhandledRejection', (error) => log.log('relay.unhandled', { message: String(error).slice(0, 300) }, 'error'))
  return ended.promise
}
