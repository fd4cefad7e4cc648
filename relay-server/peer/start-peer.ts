/** A terminal peer in this process: key, stores, mesh, and the local API through which every command talks to it, those of this process included. */
import { hostname } from 'node:os'
import type { Identity } from '../../src/core/identity.ts'
import type { RecordStore } from '../../src/core/stores.ts'
import { loadFileIdentity } from '../../src/identity/file.node.ts'
import type { MeshHost } from '../../src/mesh/parts.ts'
import { withDeadline } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { MeshError } from '../../src/shared/errors.ts'
import type { LogControl } from '../../src/shared/log.ts'
import type { DataDir } from '../data-dir.ts'
import { idAnswer, readPetnames } from '../local-api/answers.ts'
import type { LocalApiParts, StatusAnswer } from '../local-api/protocol.ts'
import { startLocalApi } from '../local-api/server.ts'
import type { DirectOptions } from './direct-ways.ts'
import { CLOSE_MS } from './limits.ts'
import { openPeerMesh } from './peer-mesh.ts'

export interface Peer {
  readonly mesh: MeshHost
  /** Gives the data directory up too. Idempotent. */
  close(): Promise<void>
}

export interface PeerOptions {
  readonly log: LogControl
  readonly version: string
  readonly direct: DirectOptions
}

/** Takes over `dir`: it is released with the peer, or when this fails. BAD_CONFIG, BAD_ARGUMENT, PORT_IN_USE, PERMISSION_DENIED, STORAGE_FAILED. */
export async function startPeer(dir: DataDir, { log, version, direct }: PeerOptions): Promise<Peer> {
  const stack = new AsyncDisposableStack()
  stack.defer(dir.release)
  const clock = systemClock()
  try {
    const identity = await loadFileIdentity(dir.path)
    const name = hostname().slice(0, 64) || 'terminal'
    const { mesh, records } = await openPeerMesh({ dataDir: dir.path, identity, name, version, direct, clock, log: log.log }, stack)
    const api = await startLocalApi(dir.path, createPeerParts({ dataDir: dir.path, identity, mesh, records, log, version }), log.log)
    stack.defer(api.close)
    let closing: Promise<void> | undefined
    return {
      mesh,
      close: () =>
        (closing ??= withDeadline(clock, CLOSE_MS, 'closing the peer', undefined, () => stack.disposeAsync()).catch((error: Error) =>
          log.log('peer.close.failed', { message: error.message }, 'error'),
        )),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

interface PeerParts extends Omit<PeerOptions, 'direct'> {
  readonly dataDir: string
  readonly identity: Identity
  readonly mesh: MeshHost
  readonly records: RecordStore
}

function createPeerParts({ dataDir, identity, mesh, records, log, version }: PeerParts): LocalApiParts {
  const started = performance.now()
  return {
    mesh,
    petnames: () => readPetnames(records),
    id: () => idAnswer(identity, mesh, [], version),
    peers: () => mesh.peers,
    status: () => ({
      peer: identity.peer,
      name: mesh.state.name,
      version,
      kind: 'cli',
      ready: mesh.state.status === 'relayed' || mesh.state.status === 'direct',
      pid: process.pid,
      uptime: Math.round((performance.now() - started) / 1000),
      dataDir,
      numbers: numbersOf(mesh),
      levels: log.levels(),
    }),
    async ping({ peer }, signal) {
      if (peer === mesh.peer) throw new MeshError('BAD_ARGUMENT', 'that PEER is this one itself; for others see: dmesh peers')
      const rtt = await mesh.ping(peer, { signal })
      const info = mesh.peers.find(({ id }) => id === peer)
      return { peer, rtt, path: info?.path ?? 'relayed', transport: info?.transport }
    },
    setLevel({ subsystem, level }) {
      log.setLevel(subsystem, level)
      return log.levels()
    },
  }
}

function numbersOf(mesh: MeshHost): StatusAnswer['numbers'] {
  const { peers, relays, transfers, messages, meshes } = mesh.state
  const here = peers.filter(({ path }) => path !== 'away')
  return {
    connections: mesh.connections(),
    relays: relays.filter(({ status }) => status === 'reserved').length,
    peers: here.length,
    peers_direct: here.filter(({ path }) => path === 'direct').length,
    transfers: transfers.filter(({ status }) => status === 'running' || status === 'verifying').length,
    messages_waiting: messages.filter(({ status, direction }) => direction === 'out' && status === 'waiting').length,
    meshes: meshes.length,
  }
}
