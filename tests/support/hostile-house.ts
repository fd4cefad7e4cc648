/** People at one hostile relay, for tests: each starts by name, keeps its stores over a restart, and all end together. */
import type { Identity } from '../../src/core/identity.ts'
import type { MeshInfo } from '../../src/core/meshes.ts'
import type { RecordStore } from '../../src/core/stores.ts'
import { createPresence } from '../../src/discovery/registry/client.ts'
import { createEphemeralIdentity } from '../../src/identity/ephemeral.ts'
import { createEcho } from '../../src/protocols/echo/protocol.ts'
import { createFiles } from '../../src/protocols/files/protocol.ts'
import { createMessages } from '../../src/protocols/message/protocol.ts'
import { createLog } from '../../src/shared/log.ts'
import { createMemoryFiles, createMemoryRecords } from '../../src/storage/memory.ts'
import { createSha256 } from '../../src/storage/sha256.ts'
import { type HostileRelay, startHostileRelay } from './hostile-relay.ts'
import { startTestPeer, type TestPeer } from './test-peer.ts'
import { waitUntil } from './wait.ts'

export interface Person extends TestPeer {
  readonly identity: Identity
  readonly records: RecordStore
  readonly events: { event: string; code?: string }[]
  /** Ends it and starts it again on the same stores. */
  again(): Promise<Person>
}

export interface House {
  readonly relay: HostileRelay
  start(name: string, kept?: { identity?: Identity; records?: RecordStore; relay?: HostileRelay }): Promise<Person>
  /** Codes that this person's log has with `event`. */
  codes(person: Person, event: string): (string | undefined)[]
  close(): Promise<void>
}

export async function openHouse(): Promise<House> {
  const relay = await startHostileRelay()
  const people: TestPeer[] = []
  const start: House['start'] = async (name, kept = {}) => {
    const { identity = await createEphemeralIdentity(), records = createMemoryRecords() } = kept
    const events: Person['events'] = []
    const { log } = createLog((_, event, { code }) => void events.push({ event, code: String(code) }), { '*': 'debug' })
    const message = await createMessages({ records })
    const files = await createFiles({ files: createMemoryFiles(), records, sha256: createSha256 })
    const presence = createPresence({ name, kind: 'cli', records })
    const { source } = kept.relay ?? relay
    const protocols = { message, files, presence, more: [createEcho()] }
    const peer = await startTestPeer({
      origin: 'http://relay.test',
      name,
      log,
      parts: { identity, records, relays: [source], relaySource: () => source, protocols },
    })
    people.push(peer)
    await waitUntil(() => peer.mesh.state.relays[0]?.status === 'reserved', { what: `${name} at the relay` })
    const again = async () => {
      await peer.close()
      return start(name, { identity, records })
    }
    return { ...peer, identity, records, events, again }
  }
  return {
    relay,
    start,
    codes: ({ events }, event) => events.filter((one) => one.event === event).map(({ code }) => code),
    async close() {
      await Promise.all(people.map((peer) => peer.close()))
      await relay.close()
    },
  }
}

export const meshOf = ({ mesh }: TestPeer, id: string): MeshInfo | undefined => mesh.state.meshes.find((one) => one.id === id)
export const joined = (peer: TestPeer, id: string) => waitUntil(() => meshOf(peer, id)?.status === 'joined', { what: 'to be in' })
export const members = (peer: TestPeer, id: string) => meshOf(peer, id)?.members.map(({ peer }) => peer)
