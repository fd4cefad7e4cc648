/** Private meshes behind a door that is light to load: their code comes with the first mesh in the store or the first call. Until then there are none. */
import { callMeshes, forwardMeshes } from '../../core/meshes-calls.ts'
import type { MeshesService } from '../../core/private-mesh.ts'
import type { PresenceService, ProtocolHost } from '../../core/protocol.ts'
import { singleFlight } from '../../shared/async.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import type { Gate } from '../gate.ts'
import type { Handlers } from '../handlers.ts'
import type { Links } from '../links.ts'
import type { MeshParts } from '../parts.ts'
import type { Names } from '../petnames.ts'
import type { Ways } from '../ways.ts'

/** startMeshes with its protocols in it; see workers/private-meshes.worker.ts. */
export type StartMeshes = (around: MeshesAround) => Promise<MeshesService>

/** What createMesh takes for them; here, not in parts.ts, which this file needs. */
export interface WithMeshes {
  /** Fetched when there is one. Without it there are none. */
  readonly meshes?: () => Promise<StartMeshes>
}

/** What private meshes find around them. */
export interface MeshesAround {
  readonly parts: MeshParts & WithMeshes
  readonly host: ProtocolHost
  readonly ways: Ways
  readonly links: Links
  readonly presence: PresenceService
  readonly gate: Gate
  readonly handlers: Handlers
  readonly names: Names
  readonly changed: () => void
  readonly signal: AbortSignal
}

export function createLazyMeshes(around: MeshesAround): MeshesService {
  const { meshes, records, log } = around.parts
  let running: MeshesService | undefined
  const start = singleFlight(async () => {
    if (!meshes) throw new MeshError('NOT_SUPPORTED', 'this peer has no private meshes')
    running ??= await (await meshes())(around)
    return running
  })
  const ready = async () => running ?? start()
  const wake = async () => {
    if ((await records.list('mesh', { prefix: 'my ', limit: 1 })).length > 0) await ready()
  }
  if (meshes) wake().catch((error: unknown) => log('meshes.load.failed', { code: codeOf(error) }, 'warn'))
  return {
    ...forwardMeshes(async (name, args) => callMeshes(await ready(), name, args)),
    infos: () => running?.infos() ?? [],
    sharedWith: (peer) => running?.sharedWith(peer) ?? [],
    nameOf: (peer) => running?.nameOf(peer),
    sealFor: async (mesh) => (meshes ? (await ready()).sealFor(mesh) : undefined),
  }
}
