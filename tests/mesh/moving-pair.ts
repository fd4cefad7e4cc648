/** Two peers in this process that meet over a real relay all the time, and over a direct socket when a test says so. Its network is a faulty one, so that it can break in several ways. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileStore } from '../../src/core/stores.ts'
import { createPresence } from '../../src/discovery/registry/client.ts'
import type { MeshParts } from '../../src/mesh/parts.ts'
import { createEcho } from '../../src/protocols/echo/protocol.ts'
import { createFiles } from '../../src/protocols/files/protocol.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import type { Log } from '../../src/shared/log.ts'
import { openDiskFiles } from '../../src/storage/disk-files.node.ts'
import { createMemoryFiles, createMemoryRecords } from '../../src/storage/memory.ts'
import { createNodeSha256 } from '../../src/storage/sha256.node.ts'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { createWebSocketDoor, openNodeSocket } from '../../src/transports/websocket/listener.node.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import { createFaultyNetwork, type FaultyNetwork } from '../support/faults/network.ts'
import { startTestPeer, type TestPeer } from '../support/test-peer.ts'
import { startTestRelay } from '../support/test-relay.ts'
import { waitUntil } from '../support/wait.ts'

export interface MovingPair extends AsyncDisposable {
  readonly a: TestPeer
  readonly b: TestPeer
  /** Of the direct way alone. */
  readonly network: FaultyNetwork
  /** Bytes that `a` sent on the direct way so far. */
  direct(): number
  /** `b`'s disk: bytes so far, and the longest time in ms between two writes while a file was open. */
  readonly written: { bytes: number; longest: number }
  /** Times a file went on over another path. */
  resumes(): number
  /** A direct way for both, beside the relay. */
  up(): Promise<void>
  /** It breaks: both hear it, or `a` alone ('us'), or `b` alone ('them'). */
  down(how: 'cut' | 'us' | 'them'): Promise<void>
}

export async function startMovingPair(seed: number, log?: Log): Promise<MovingPair> {
  const network = createFaultyNetwork(seed)
  const relay = await startTestRelay({ args: ['--udp', 'off', '--stun', 'off'] })
  const folder = await mkdtemp(join(tmpdir(), 'dmesh-moves-'))
  const door = await startDoor()
  const written = { bytes: 0, longest: 0 }
  let [direct, resumes] = [0, 0]
  const open: typeof openNodeSocket = (url) => {
    if (!url.includes(`:${door.port}`)) return openNodeSocket(url)
    const socket = network.open(url)
    const send = socket.send.bind(socket)
    const counted: typeof send = (data: Uint8Array<ArrayBuffer>) => {
      direct += data.byteLength
      send(data)
    }
    return Object.assign(socket, { send: counted })
  }
  const noted: Log = (event, ...rest) => {
    if (event === 'files.resumed') resumes++
    log?.(event, ...rest)
  }
  const start = async (name: string, socket: Parameters<typeof createWebSocket>[0], files: FileStore): Promise<TestPeer> =>
    startTestPeer({ origin: `http://127.0.0.1:${relay.port}`, name, log: noted, parts: await partsOf(name, socket, files) })
  const a = await start('a', { open }, createMemoryFiles())
  const b = await start('b', { open: openNodeSocket, ...door.listening }, watched(await openDiskFiles(folder), written))
  const pathOf = (from: TestPeer, to: TestPeer) => from.mesh.peers.find(({ id }) => id === to.mesh.peer)?.path
  await waitUntil(() => a.mesh.connections() === 2 && b.mesh.connections() === 2 && pathOf(a, b) === 'relayed' && pathOf(b, a) === 'relayed', {
    ms: 10_000,
    what: 'the two to meet over the relay',
  })
  return {
    a,
    b,
    network,
    written,
    direct: () => direct,
    resumes: () => resumes,
    async up() {
      await a.mesh.connect(`/ip4/127.0.0.1/tcp/${door.port}/ws/p2p/${b.mesh.peer}`)
      await waitUntil(() => pathOf(a, b) === 'direct' && pathOf(b, a) === 'direct', { what: 'the direct way' })
    },
    async down(how) {
      if (how === 'cut') network.cut()
      else network.halfOpen(how)
      await waitUntil(() => pathOf(a, b) === 'relayed', { ms: 10_000, what: `the loss to be noticed (${how})` })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([a.close(), b.close()])
      network.end()
      await door.close()
      await relay.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startDoor() {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const door = createWebSocketDoor(() => [`/ip4/127.0.0.1/tcp/${port}/ws`])
  server.on('upgrade', (request, socket, head) => door.accept(request, socket, head, { address: '127.0.0.1', port: request.socket.remotePort ?? 1 }))
  return {
    port,
    listening: { createListener: door.createListener, listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function partsOf(name: string, socket: Parameters<typeof createWebSocket>[0], files: FileStore): Promise<Partial<MeshParts>> {
  const relayClient = createRelayTransport()
  const records = createMemoryRecords()
  return {
    records,
    transports: [createWebSocket(socket), relayClient],
    relayClient,
    protocols: {
      message: await createMessages({ records }),
      files: await createFiles({ files, records, sha256: createNodeSha256 }),
      presence: createPresence({ name, kind: 'cli', instance: crypto.randomUUID(), start: 1 }),
      more: [createEcho()],
    },
  }
}

/** Notes when bytes come to the disk. */
function watched(files: FileStore, written: MovingPair['written']): FileStore {
  return {
    ...files,
    async create(id, options) {
      const sink = await files.create(id, options)
      let last = performance.now()
      return {
        ...sink,
        async write(chunk) {
          const now = performance.now()
          written.longest = Math.max(written.longest, now - last)
          last = now
          written.bytes += chunk.byteLength
          await sink.write(chunk)
        },
      }
    },
  }
}
