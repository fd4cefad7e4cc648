/** Which peer a command is about, when several kinds may run on this computer. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defaultDataDir, defaultPeerDir, readConfigFile } from '../config/config.ts'
import { localPaths } from '../local-api/protocol.ts'
import type { Terminal } from './terminal.ts'

/** What was given; else the terminal peer's own; for commands that a relay answers too, the relay's when only that one runs. */
export function findDataDir(flag: string | undefined, config: string | undefined, { env, root }: Terminal, alsoRelay = false): string {
  const file = config ?? env.DMESH_CONFIG
  const given = flag ?? env.DMESH_DATA_DIR ?? (file ? readConfigFile(resolve(file))['data-dir'] : undefined)
  if (given) return resolve(given)
  const [peer, relay] = [defaultPeerDir(root, env), defaultDataDir(root, env)]
  const runs = (dir: string) => existsSync(localPaths(dir).socket)
  return alsoRelay && !runs(peer) && runs(relay) ? relay : peer
}
