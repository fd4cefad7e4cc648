/** A peer in this process as a browser would be one: it knows a relay's origin and nothing else. */
import { createPolicy } from '../../src/access/policy.ts'
import { lobbyRows, memberRows } from '../../src/access/rows.ts'
import type { FileStore } from '../../src/core/stores.ts'
import { createLazyFind } from '../../src/discovery/kad/lazy.ts'
import { createPresence } from '../../src/discovery/registry/client.ts'
import { createRecordCheck } from '../../src/discovery/registry/record-check.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { createMesh } from '../../src/mesh/create.ts'
import { linkRows } from '../../src/mesh/link-rows.ts'
import { startMeshes } from '../../src/mesh/meshes/start.ts'
import type { MeshHost, MeshParts } from '../../src/mesh/parts.ts'
import { createRelaySource } from '../../src/mesh/relay-source.ts'
import { createCodes } from '../../src/protocols/code/protocol.ts'
import { createEcho } from '../../src/protocols/echo/protocol.ts'
import { createFiles } from '../../src/protocols/files/protocol.ts'
import { createLazyHttp } from '../../src/protocols/http/lazy.ts'
import { createDeskClient } from '../../src/protocols/invite/client.ts'
import { createMembers } from '../../src/protocols/members/protocol.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import { createPubsub } from '../../src/protocols/pubsub/protocol.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { type Log, silentLog } from '../../src/shared/log.ts'
import { createMemoryFiles, createMemoryRecords } from '../../src/storage/memory.ts'
import { createSha256 } from '../../src/storage/sha256.ts'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'

export interface TestPeer {
  readonly mesh: MeshHost
  close(): Promise<void>
}

export interface TestPeerOptions {
  readonly origin: string
  readonly name: string
  readonly log?: Log
  readonly parts?: Partial<MeshParts>
  /** Default: up to 256 MiB in memory. */
  readonly files?: FileStore
}

/** Knows *.localhost, as browsers do and not every system does. */
const fetchLocal: typeof fetch = (url, init) => fetch(String(url).replace(/\/\/[a-z.]+\.localhost\b/, '//127.0.0.1'), init)

export async function startTestPeer({
  origin,
  name,
  log = silentLog(),
  parts = {},
  files = createMemoryFiles(),
}: TestPeerOptions): Promise<TestPeer> {
  const clock = systemClock()
  const records = createMemoryRecords()
  const relay = createRelayTransport({ clock, log })
  const rows = [...linkRows(), ...lobbyRows(true, 'peer'), ...memberRows('peer')]
  const mesh = await createMesh({
    identity: await createEphemeralIdentity(),
    records,
    transports: [createWebSocket({ open: openNodeSocket }), relay],
    relayClient: relay,
    relays: [createRelaySource(origin, { fetch: fetchLocal })],
    relaySource: (at) => createRelaySource(at, { fetch: fetchLocal }),
    meshes: async () => (around) => startMeshes(around, { desks: createDeskClient, members: createMembers, codes: createCodes }),
    policy: await createPolicy({ records, defaults: rows, clock, log }),
    protocols: {
      message: await createMessages({ records }),
      files: await createFiles({ files, records, sha256: createSha256 }),
      presence: createPresence({ name, kind: 'cli', instance: crypto.randomUUID(), start: 1 }),
      pubsub: createPubsub(),
      http: createLazyHttp({ clock, log }),
      find: createLazyFind(createRecordCheck),
      more: [createEcho()],
    },
    clock,
    log,
    name,
    version: '0',
    kind: 'cli',
    canDirect: () => false,
    ...parts,
  })
  return { mesh, close: () => mesh.close() }
}
