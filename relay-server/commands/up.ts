/** `dmesh up`: the terminal peer of a data directory, in the foreground. The first SIGINT or SIGTERM ends it in order. */
import { once } from 'node:events'
import { MeshError } from '../../src/shared/errors.ts'
import { parseLevels } from '../config/options.ts'
import { takeDataDir } from '../data-dir.ts'
import { EXIT } from '../exit-codes.ts'
import { createJsonLog } from '../json-log.ts'
import { startPeer } from '../peer/start-peer.ts'
import { directOptions } from './direct-options.ts'
import type { CommandCall } from './peer-command.ts'
import { printable } from './printable.ts'

export async function up(call: CommandCall): Promise<number> {
  const { terminal, option, json, dataDir, version, signal } = call
  const peer = await startPeer(takeDataDir(dataDir, 'peer'), {
    log: createJsonLog(levelsOf(option('log') ?? 'warn')),
    version,
    direct: directOptions(call),
  })
  try {
    const { state } = peer.mesh
    if (json) terminal.out(JSON.stringify({ peer: state.peer, name: state.name, dataDir, pid: process.pid }))
    else
      terminal.out([`Peer      ${state.peer}`, `Name      ${printable(state.name)}`, `Data      ${dataDir}`, 'Ready     Ctrl-C ends it'].join('\n'))
    if (!signal.aborted) await once(signal, 'abort')
    return EXIT.ok
  } finally {
    await peer.close()
  }
}

function levelsOf(text: string): ReturnType<typeof parseLevels> {
  try {
    return parseLevels(text)
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', `--log ${(error as Error).message}`, { cause: error })
  }
}
