/** The browser's mesh from its parts: stores, identity, policy, protocols, transports (design §5). A root's part list: it decides nothing that a room should. */
import { createPolicy } from '../src/access/policy.ts'
import { defaultRows } from '../src/access/rows.ts'
import type { PathAttempt } from '../src/core/path.ts'
import type { FileStore, RecordStore } from '../src/core/stores.ts'
import { createLazyFind } from '../src/discovery/kad/lazy.ts'
import { createPresence } from '../src/discovery/registry/client.ts'
import { createRecordCheck } from '../src/discovery/registry/record-check.ts'
import { loadBrowserIdentity } from '../src/identity/browser.ts'
import { createMesh } from '../src/mesh/create.ts'
import { createLazyTransport } from '../src/mesh/lazy-transport.ts'
import { linkRows } from '../src/mesh/link-rows.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import { createRelaySource } from '../src/mesh/relay-source.ts'
import { createEcho } from '../src/protocols/echo/protocol.ts'
import { createLazyFiles } from '../src/protocols/files/lazy.ts'
import { createLazyHttp } from '../src/protocols/http/lazy.ts'
import { createLazyMessages } from '../src/protocols/message/lazy.ts'
import { createLazyPubsub } from '../src/protocols/pubsub/lazy.ts'
import type { Clock } from '../src/shared/clock.ts'
import type { Log } from '../src/shared/log.ts'
import { openBrowserRecords } from '../src/storage/indexeddb.ts'
import { createSha256 } from '../src/storage/sha256.ts'
import { createRelayTransport } from '../src/transports/relay/transport.ts'
import type { StandIn } from '../src/transports/webrtc/stand-in.ts'
import { createWebSocket } from '../src/transports/websocket/transport.ts'
import { suggestName } from '../src/ui/device-name.ts'

/** STUN servers asked for each connection: more find no other address, and browsers warn above four. */
const MAX_STUN = 4

export interface BrowserMeshParts {
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly standIn: StandIn
  readonly files: FileStore
  /** Origin whose relay is used: the page's own. */
  readonly origin: string
  /** Name of the database. Default 'dmesh'. */
  readonly database?: string
}

/** The caller closes the mesh; the records close with it. */
export async function startBrowserMesh(parts: BrowserMeshParts): Promise<MeshHost> {
  const { clock, log, version, standIn, files, origin, database } = parts
  const stun = new Map<string, readonly string[]>()
  const relaySource = (at: string, early?: true) => createRelaySource(at, { onSite: (site) => void stun.set(at, site.stun), early })
  const ownRelay = relaySource(origin, true)
  const records = await openBrowserRecords({ name: database })
  const identity = await loadBrowserIdentity(records)
  const name = suggestName(navigator)
  const relayTransport = createRelayTransport({ clock, log })
  let mesh: MeshHost | undefined
  mesh = await createMesh({
    identity,
    records,
    transports: [
      createWebSocket({ open: openSocket }),
      relayTransport,
      ...createRtcTransports(
        parts,
        () => [...stun.values()].flat().slice(0, MAX_STUN),
        () => mesh,
      ),
    ],
    relayClient: relayTransport,
    relays: [ownRelay],
    relaySource,
    meshes: async () => (await import('./private-meshes.worker.ts')).privateMeshes,
    policy: await createPolicy({ records, defaults: [...linkRows(), ...defaultRows('peer', true)], clock, log }),
    protocols: {
      message: createLazyMessages(async () => {
        const { createMessages } = await import('../src/protocols/message/protocol.ts')
        return createMessages({ records })
      }),
      files: createLazyFiles(async () => {
        const { createFiles } = await import('../src/protocols/files/protocol.ts')
        return createFiles({ files, records, sha256: createSha256 })
      }),
      presence: createPresence({ name: await knownName(records, name), kind: 'browser', records }),
      http: createLazyHttp({ clock, log }),
      find: createLazyFind(createRecordCheck),
      pubsub: createLazyPubsub(async () => (await import('../src/protocols/pubsub/protocol.ts')).createPubsub()),
      more: [createEcho()],
    },
    clock,
    log,
    name,
    version,
    kind: 'browser',
    canDirect: standIn.available,
  })
  addEventListener('online', mesh.kick)
  return mesh
}

/** @libp2p/webrtc reads RTCPeerConnection once, when it is imported: so the stand-in must be there before. */
function createRtcTransports({ clock, log, standIn }: BrowserMeshParts, iceServers: () => readonly string[], mesh: () => MeshHost | undefined) {
  standIn.install(globalThis)
  const onAttempt = ({ peer, ...attempt }: PathAttempt & { readonly peer: string }) => mesh()?.noteAttempt(peer, attempt)
  return [
    createLazyTransport({
      name: 'webrtc',
      log,
      matches: (address) => /\/webrtc(\/|$)/.test(address),
      async load() {
        const { createWebRtc } = await import('../src/transports/webrtc/transport.ts')
        return createWebRtc({ clock, iceServers, available: standIn.available, onAttempt })
      },
    }),
    createLazyTransport({
      name: 'webrtc-direct',
      log,
      matches: (address) => address.includes('/webrtc-direct/'),
      async load() {
        const { createWebRtcDirect } = await import('../src/transports/webrtc-direct/transport.ts')
        return createWebRtcDirect({ RTCPeerConnection: standIn.RTCPeerConnection as never, clock, log })
      },
    }),
  ]
}

function openSocket(url: string): WebSocket {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  return socket
}

/** The name I gave myself before, which presence announces from the first record on. */
async function knownName(records: RecordStore, otherwise: string): Promise<string> {
  return (await records.get<string>('setting', 'name')) ?? otherwise
}
