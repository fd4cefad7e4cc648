/** A whole mesh in this process for tests: ephemeral key, memory stores, a WebSocket listener on port 0. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPolicy } from '../../src/access/policy.ts'
import { lobbyRows, memberRows } from '../../src/access/rows.ts'
import type { PolicyRow } from '../../src/core/access.ts'
import type { PresenceEntry, PresenceService, Protocol, Pubsub } from '../../src/core/protocol.ts'
import { createLazyFind } from '../../src/discovery/kad/lazy.ts'
import { createRecordCheck } from '../../src/discovery/registry/record-check.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { createMesh } from '../../src/mesh/create.ts'
import { linkRows } from '../../src/mesh/link-rows.ts'
import type { MeshHost, MeshParts } from '../../src/mesh/parts.ts'
import { createEcho } from '../../src/protocols/echo/protocol.ts'
import { createFiles } from '../../src/protocols/files/protocol.ts'
import { createLazyHttp } from '../../src/protocols/http/lazy.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import { createPubsub } from '../../src/protocols/pubsub/protocol.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { type Log, silentLog } from '../../src/shared/log.ts'
import { createMemoryFiles, createMemoryRecords } from '../../src/storage/memory.ts'
import { createSha256 } from '../../src/storage/sha256.ts'
import { createWebSocketDoor, openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'

export interface TestMesh {
  readonly mesh: MeshHost
  readonly address: string
  close(): Promise<void>
}

export interface TestMeshOptions extends Partial<MeshParts> {
  readonly rows?: readonly PolicyRow[]
  readonly log?: Log
  /** Default: without private meshes, passing on nothing. */
  readonly pubsub?: Pubsub
  /** Beside echo. */
  readonly more?: readonly Protocol[]
}

/** `present` = peers that count as being in the lobby with us. */
export async function startTestMesh(present: () => readonly string[], options: TestMeshOptions = {}): Promise<TestMesh> {
  const clock = systemClock()
  const log = options.log ?? silentLog()
  const records = createMemoryRecords()
  const identity = options.identity ?? (await createEphemeralIdentity())
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const door = createWebSocketDoor(() => [`/ip4/127.0.0.1/tcp/${port}/ws`])
  server.on('upgrade', (request, socket, head) =>
    door.accept(request, socket, head, { address: request.socket.remoteAddress ?? '127.0.0.1', port: request.socket.remotePort ?? 1 }),
  )
  const rows = options.rows ?? [...linkRows(), ...lobbyRows(true, 'peer'), ...memberRows('peer')]
  const mesh = await createMesh({
    identity,
    records,
    transports: [createWebSocket({ open: openNodeSocket, createListener: door.createListener, listen: ['/ip4/127.0.0.1/tcp/0/ws'] })],
    relays: [],
    policy: await createPolicy({ records, defaults: rows, clock, log }),
    protocols: {
      message: await createMessages({ records }),
      files: createFiles({ files: createMemoryFiles(), records, sha256: createSha256 }),
      presence: fixedPresence(present),
      pubsub: options.pubsub ?? createPubsub(),
      http: createLazyHttp({ clock, log }),
      find: createLazyFind(createRecordCheck),
      more: [createEcho(), ...(options.more ?? [])],
    },
    clock,
    log,
    name: 'test',
    version: '0',
    kind: 'cli',
    ...options,
  })
  return {
    mesh,
    address: `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${mesh.peer}`,
    async close() {
      await mesh.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Two meshes that know each other, joined by one WebSocket. */
export async function startTwo(options: TestMeshOptions = {}): Promise<{ readonly a: TestMesh; readonly b: TestMesh; close(): Promise<void> }> {
  const ids: string[] = []
  const a = await startTestMesh(() => ids, options)
  const b = await startTestMesh(() => ids, options)
  ids.push(a.mesh.peer, b.mesh.peer)
  await a.mesh.connect(b.address)
  return {
    a,
    b,
    async close() {
      await Promise.all([a.close(), b.close()])
    },
  }
}

/** A presence service whose roster is given, for tests without a relay. */
export function fixedPresence(present: () => readonly string[]): Protocol<PresenceService> {
  const entries = (): PresenceEntry[] =>
    present().map((peer) => ({ peer, name: '', kind: 'cli', seen: 0, relay: '', here: false, meshes: ['lobby'] }))
  const service: PresenceService = {
    join: () => new Promise(() => undefined),
    entries,
    rename: () => undefined,
    onChange: () => undefined,
    recheck: () => undefined,
  }
  return { ids: [], may: 'presence.join', start: () => ({ service, serve: async (stream) => stream.abort() }) }
}
