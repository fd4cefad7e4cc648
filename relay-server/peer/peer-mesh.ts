/** The mesh of a terminal peer from its parts: what a browser has, on SQLite and files, a WebSocket to relays, TCP and WebRTC to others (design §5). A root's part list. */
import { join } from 'node:path'
import { createPolicy } from '../../src/access/policy.ts'
import { defaultRows } from '../../src/access/rows.ts'
import type { Identity } from '../../src/core/identity.ts'
import type { RecordStore } from '../../src/core/stores.ts'
import { createLazyFind } from '../../src/discovery/kad/lazy.ts'
import { createPresence } from '../../src/discovery/registry/client.ts'
import { createRecordCheck } from '../../src/discovery/registry/record-check.ts'
import { createMesh } from '../../src/mesh/create.ts'
import { linkRows } from '../../src/mesh/link-rows.ts'
import { startMeshes } from '../../src/mesh/meshes/start.ts'
import type { MeshHost } from '../../src/mesh/parts.ts'
import { createCodes } from '../../src/protocols/code/protocol.ts'
import { createEcho } from '../../src/protocols/echo/protocol.ts'
import { createFiles } from '../../src/protocols/files/protocol.ts'
import { createLazyHttp } from '../../src/protocols/http/lazy.ts'
import { createDeskClient } from '../../src/protocols/invite/client.ts'
import { createMembers } from '../../src/protocols/members/protocol.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import { createPubsub } from '../../src/protocols/pubsub/protocol.ts'
import type { Clock } from '../../src/shared/clock.ts'
import type { Log } from '../../src/shared/log.ts'
import { openDiskFiles } from '../../src/storage/disk-files.node.ts'
import { createNodeSha256 } from '../../src/storage/sha256.node.ts'
import { openSqliteRecords } from '../../src/storage/sqlite.node.ts'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import { openLan } from '../lan.ts'
import { type DirectOptions, openDirectWays } from './direct-ways.ts'
import { terminalRelaySource } from './relay-origin.ts'

export interface PeerMeshParts {
  readonly dataDir: string
  readonly identity: Identity
  /** What it calls itself until the user says otherwise. */
  readonly name: string
  readonly version: string
  readonly direct: DirectOptions
  readonly clock: Clock
  readonly log: Log
}

/** `stack` closes what is opened. The relays are those in the records. STORAGE_FAILED. */
export async function openPeerMesh(
  { dataDir, identity, name, version, direct, clock, log }: PeerMeshParts,
  stack: AsyncDisposableStack,
): Promise<{ readonly mesh: MeshHost; readonly records: RecordStore }> {
  const records = await openSqliteRecords(join(dataDir, 'records.sqlite'))
  stack.defer(() => records.close())
  const files = await openDiskFiles(join(dataDir, 'files'))
  stack.defer(() => files.close())
  const relay = createRelayTransport({ clock, log })
  const known = (await records.get<string>('setting', 'name')) ?? name
  let mesh: MeshHost | undefined
  const { learn, transports, ...ways } = await openDirectWays(direct, clock, log, () => mesh)
  mesh = await createMesh({
    identity,
    records,
    transports: [createWebSocket({ open: openNodeSocket }), relay, ...transports],
    ...ways,
    relayClient: relay,
    relays: [],
    relaySource: (origin) => terminalRelaySource(origin, ({ stun }) => learn(origin, stun)),
    meshes: async () => (around) => startMeshes(around, { desks: createDeskClient, members: createMembers, codes: createCodes }),
    policy: await createPolicy({ records, defaults: [...linkRows(), ...defaultRows('peer', true)], clock, log }),
    protocols: {
      message: await createMessages({ records }),
      files: await createFiles({ files, records, sha256: createNodeSha256 }),
      presence: createPresence({ name: known, kind: 'cli', records }),
      pubsub: createPubsub(),
      http: createLazyHttp({ clock, log }),
      find: createLazyFind(createRecordCheck),
      more: [createEcho()],
    },
    clock,
    log,
    name: known,
    version,
    kind: 'cli',
  })
  stack.defer(mesh.close)
  if (direct.mdns) openLan({ mesh, clock, log }, stack)
  return { mesh, records }
}
