/** Answers of the local API from a running relay. Shows what its owner may see; what its mesh cannot do (files, places at others) says NOT_SUPPORTED. */
import type { AccessFile } from '../src/access/access-file.node.ts'
import type { Identity } from '../src/core/identity.ts'
import type { RecordStore } from '../src/core/stores.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import { codeOf, MeshError } from '../src/shared/errors.ts'
import type { LogControl } from '../src/shared/log.ts'
import { flatten, type RelayNumbers } from './admin/metrics.ts'
import type { RelayConfig } from './config/config.ts'
import { idAnswer, readPetnames } from './local-api/answers.ts'
import type { LocalApiParts } from './local-api/protocol.ts'

export interface LocalPartsOptions {
  readonly config: RelayConfig
  readonly mesh: MeshHost
  readonly identity: Identity
  readonly records: RecordStore
  readonly access: AccessFile
  readonly log: LogControl
  readonly version: string
  readonly build: string
  readonly url: string
  readonly lobby: boolean
  readonly addresses: readonly string[]
  readonly ready: () => boolean
  readonly numbers: () => RelayNumbers
}

export function createLocalParts(options: LocalPartsOptions): LocalApiParts {
  const { mesh, identity, config, log, access } = options
  const started = performance.now()
  return {
    mesh,
    petnames: () => readPetnames(options.records),
    id: () => idAnswer(identity, mesh, options.addresses, options.version),
    peers: () => mesh.peers,
    status: () => ({
      peer: identity.peer,
      name: config.name,
      version: options.version,
      kind: 'relay',
      build: options.build,
      url: options.url,
      lobby: options.lobby,
      ready: options.ready(),
      pid: process.pid,
      uptime: Math.round((performance.now() - started) / 1000),
      dataDir: config.dataDir,
      numbers: flatten(options.numbers()),
      levels: log.levels(),
      problem: access.problem()?.message,
    }),
    async ping({ peer }, signal) {
      if (peer === mesh.peer) throw new MeshError('BAD_ARGUMENT', 'that PEER is this relay itself; for others see: dmesh peers')
      // A relay is dialled and dials nobody.
      const rtt = await mesh.ping(peer, { signal }).catch((error: unknown) => {
        if (codeOf(error) !== 'PEER_UNREACHABLE') throw error
        throw new MeshError('PEER_UNREACHABLE', `${peer} is not connected to this relay; who is, says: dmesh peers`, { cause: error })
      })
      const info = mesh.peers.find(({ id }) => id === peer)
      return { peer, rtt, path: info?.path ?? 'direct', transport: info?.transport }
    },
    setLevel({ subsystem, level }) {
      log.setLevel(subsystem, level)
      return log.levels()
    },
  }
}
