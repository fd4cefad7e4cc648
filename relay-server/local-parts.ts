/** Answers of the local API from a running relay. Shows what its owner may see; changes log levels, nothing else. */
import type { AccessFile } from '../src/access/access-file.node.ts'
import type { Identity } from '../src/core/identity.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import { concat } from '../src/shared/bytes.ts'
import { codeOf, MeshError } from '../src/shared/errors.ts'
import type { LogControl } from '../src/shared/log.ts'
import { flatten, type RelayNumbers } from './admin/metrics.ts'
import type { RelayConfig } from './config/config.ts'
import type { LocalApiParts } from './local-api/protocol.ts'

export interface LocalPartsOptions {
  readonly config: RelayConfig
  readonly mesh: MeshHost
  readonly identity: Identity
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

/** libp2p peer-ids spec: field 1 = key type 1 (Ed25519), field 2 = 32 bytes. */
const KEY_PREFIX = Uint8Array.of(0x08, 0x01, 0x12, 0x20)

export function createLocalParts(options: LocalPartsOptions): LocalApiParts {
  const { mesh, identity, config, log, access } = options
  const started = performance.now()
  return {
    id: () => ({
      ID: identity.peer,
      PublicKey: Buffer.from(concat([KEY_PREFIX, identity.publicKey])).toString('base64'),
      Addresses: [...new Set([...options.addresses, ...mesh.addresses()])],
      AgentVersion: `dmesh/${options.version}`,
      ProtocolVersion: 'ipfs/0.1.0',
      Protocols: mesh
        .handlers()
        .map(([protocol]) => protocol)
        .sort(),
    }),
    peers: () => mesh.peers,
    status: () => ({
      peer: identity.peer,
      name: config.name,
      version: options.version,
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
