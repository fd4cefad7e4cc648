/** A relay that lies: the real one in this process, with somebody in the middle of its desk, its rosters and its circuits who keeps all it sees, and changes, drops, repeats or invents what it says. */
import type { Connection, Stream } from '@libp2p/interface'
import { createFilesOff } from '../../relay-server/files-off.ts'
import { createRelayPresence } from '../../relay-server/relay-presence.ts'
import { defaultRows } from '../../src/access/rows.ts'
import type { Identity } from '../../src/core/identity.ts'
import type { PeerStream } from '../../src/core/peer-stream.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import type { RelaySource } from '../../src/core/transport.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { linkRows } from '../../src/mesh/link-rows.ts'
import { createEcho } from '../../src/protocols/echo/protocol.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import { createMemoryRecords } from '../../src/storage/memory.ts'
import type { HopComponents } from '../../src/transports/relay/components.ts'
import { createHopServer } from '../../src/transports/relay/server.ts'
import { createFrameReader, decodeJson, encodeJsonFrame } from '../../src/wire/frame.ts'
import { FOREIGN } from '../../src/wire/ids.ts'
import { startTestMesh } from './test-mesh.ts'
import { waitUntil } from './wait.ts'

/** One frame of the desk or of a roster, as JSON. */
export type Frame = Readonly<Record<string, unknown>>

export interface Kept {
  readonly protocol: string
  readonly peer: string
  /** 'up' = from the peer, as it came; 'down' = what the honest half of the relay says. */
  readonly way: 'up' | 'down'
  readonly frame: Frame
}

/** Gives what passes on in place of `kept.frame`: nothing, another one, several. */
export type Twist = (kept: Kept) => readonly Frame[]

export interface HostileRelay {
  readonly peer: string
  readonly identity: Identity
  readonly source: RelaySource
  /** Every frame it ever saw. */
  readonly kept: readonly Kept[]
  /** Every byte peers sent into circuits, by peer. */
  readonly circuits: ReadonlyMap<string, readonly Uint8Array[]>
  /** Default: passes on. */
  twist: Twist
  /** Bytes in a peer's hop messages that are replaced, e.g. the PeerID of who is called. */
  swap: readonly { readonly from: Uint8Array; readonly to: Uint8Array }[] | undefined
  /** Tell a peer something on every stream of this protocol it has open. */
  say(protocol: string, peer: string, frame: Frame): void
  /** A circuit to `to` in the name of `from`, with the bytes that `from` sent before. Resolves with what came back when it ended. */
  replay(from: { readonly multihash: Uint8Array; readonly peer: string }, to: string): Promise<Uint8Array>
  close(): Promise<void>
}

const ORIGIN = 'http://relay.test'
const MAX_FRAME = 1024 * 1024

export async function startHostileRelay(): Promise<HostileRelay> {
  const records = createMemoryRecords()
  const presence = await createRelayPresence({ records, mayBeInLobby: () => true, onChange: () => presence.recheck(), told: () => undefined })
  const identity = await createEphemeralIdentity()
  const kept: Kept[] = []
  const circuits = new Map<string, Uint8Array[]>()
  const lines = new Set<{ protocol: string; peer: string; say(frame: Frame): void }>()
  const connections = new Map<string, Connection>()
  const between = <S>(protocol: Protocol<S>): Protocol<S> => ({
    ...protocol,
    start(host, signal) {
      const { service, serve } = protocol.start(host, signal)
      return { service, serve: (stream) => serve(intercept(stream, relay, kept, lines)) }
    },
  })
  const hop = createHopServer({ decide: () => ({ allow: true, limits: {}, why: 'hostile' }), drainTime: 0 })
  const base = await startTestMesh(() => [], {
    identity,
    records,
    rows: [...linkRows(), ...defaultRows('relay', true)],
    kind: 'relay',
    rolesOf: () => ['lobby'],
    meshesOf: presence.meshesOf,
    protocols: {
      message: await createMessages({ records }),
      files: createFilesOff(),
      presence: between(presence.protocol),
      more: [createEcho(), between(presence.desk)],
    },
    services: { hop: (components: HopComponents) => hop(tapped(components, () => relay, circuits, connections)) },
  })
  const site = { peer: identity.peer, name: 'relay.test', addresses: [base.address] }
  const relay: HostileRelay = {
    peer: identity.peer,
    identity,
    kept,
    circuits,
    twist: ({ frame }) => [frame],
    swap: undefined,
    source: { name: 'relay.test', origin: ORIGIN, resolve: async () => site },
    say(protocol, peer, frame) {
      for (const line of lines) if (line.peer === peer && line.protocol === protocol) line.say(frame)
    },
    async replay({ multihash, peer }, to) {
      const connection = await waitUntil(() => connections.get(to), { what: 'a connection of the one who is called' })
      const stream = await connection.newStream(FOREIGN.stop, { runOnLimitedConnection: true })
      return replayInto(stream, multihash, circuits.get(peer) ?? [])
    },
    close: base.close,
  }
  return relay
}

/** The stream as the honest half of the relay sees it. */
function intercept(stream: PeerStream, relay: HostileRelay, kept: Kept[], lines: Set<{ protocol: string; peer: string; say(frame: Frame): void }>) {
  const { peer, protocol } = stream
  const [up, down] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()]
  const out = stream.writable.getWriter()
  const line = { protocol, peer, say: (frame: Frame) => void out.write(encodeJsonFrame(frame)).catch(() => undefined) }
  lines.add(line)
  const pass = async (way: Kept['way'], from: ReadableStream<Uint8Array>, to: WritableStreamDefaultWriter<Uint8Array>) => {
    const reader = createFrameReader(from)
    for (;;) {
      const bytes = await reader.read(MAX_FRAME)
      if (!bytes) return to.close()
      const one: Kept = { protocol, peer, way, frame: decodeJson(bytes) as Frame }
      kept.push(one)
      for (const frame of relay.twist(one)) await to.write(encodeJsonFrame(frame))
    }
  }
  const end = (error: unknown) => {
    lines.delete(line)
    stream.abort(error)
  }
  const inner = up.writable.getWriter()
  pass('up', stream.readable, inner).catch((error: unknown) => {
    inner.abort(error).catch(() => undefined)
    end(error)
  })
  pass('down', down.readable, out).catch(end)
  return { ...stream, readable: up.readable, writable: down.writable }
}

/** libp2p's parts with a tap on hop streams: what a peer says there is kept, and its first message may be changed. */
function tapped(components: HopComponents, relay: () => HostileRelay, circuits: Map<string, Uint8Array[]>, connections: Map<string, Connection>) {
  const { registrar } = components
  const handle: typeof registrar.handle = (protocol, handler, options) =>
    registrar.handle(
      protocol,
      (stream, connection) => {
        const peer = connection.remotePeer.toString()
        connections.set(peer, connection)
        tap(stream, relay, (bytes) => circuits.set(peer, [...(circuits.get(peer) ?? []), bytes]))
        return handler(stream, connection)
      },
      options,
    )
  const tappedRegistrar = new Proxy(registrar, {
    get: (target, key) => {
      if (key === 'handle') return handle
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return new Proxy(components, { get: (target, key) => (key === 'registrar' ? tappedRegistrar : Reflect.get(target, key)) })
}

function tap(stream: Stream, relay: () => HostileRelay, keep: (bytes: Uint8Array) => void): void {
  const add = stream.addEventListener.bind(stream) as EventTarget['addEventListener']
  const seen = new WeakSet<Event>()
  let first = true
  stream.addEventListener = (...[type, listen, options]: Parameters<typeof add>) => {
    if (type !== 'message' || typeof listen !== 'function') return add(type, listen, options)
    add(
      type,
      (event) => {
        const message = event as Event & { data: Uint8Array | { subarray(): Uint8Array } }
        if (!seen.has(event)) {
          seen.add(event)
          const bytes = message.data.subarray()
          if (first) Object.defineProperty(event, 'data', { value: swapped(bytes, relay().swap) })
          else keep(bytes.slice())
          first = false
        }
        listen.call(stream, event)
      },
      options,
    )
  }
}

function swapped(bytes: Uint8Array, swap: HostileRelay['swap']): Uint8Array {
  const found = swap?.find(({ from }) => Buffer.from(bytes).indexOf(from) >= 0)
  if (!found) return bytes
  const copy = bytes.slice()
  copy.set(found.to, Buffer.from(bytes).indexOf(found.from))
  return copy
}

async function replayInto(stream: Stream, multihash: Uint8Array, bytes: readonly Uint8Array[]): Promise<Uint8Array> {
  const { encodeStop, STOP_TYPE } = await import('../../src/transports/relay/wire.ts')
  const { encodeFrame } = await import('../../src/wire/frame.ts')
  stream.send(encodeFrame(encodeStop({ type: STOP_TYPE.connect, peer: { id: multihash, addrs: [] } })))
  for (const one of bytes) stream.send(one)
  const back: Uint8Array[] = []
  try {
    for await (const chunk of stream) back.push(chunk.subarray())
  } catch {
    // It was reset, which is an answer too.
  }
  return Buffer.concat(back)
}
