/** Two people at two homes with a relay on the internet between them, and what they do: see, talk, send a file. All through the real page in real browsers. */
import assert from 'node:assert/strict'
import type { Mesh, MeshState, PeerInfo, TransferInfo } from '../../src/core/mesh.ts'
import { startPersonIn } from './netns-browser.ts'
import { createInternet, type Home, type Internet, type Nat, SERVER_V4, SERVER_V6 } from './netns-internet.ts'
import { readMetrics, startRelayIn } from './netns-programs.ts'
import type { Person } from './people.ts'
import { waitUntil } from './wait.ts'

const PORT = 8421
const URL = `http://dmesh.localhost:${PORT}/`

export interface MeetingOptions {
  /** Of Ana's and of Ben's router. */
  readonly nat: readonly [Nat, Nat]
  /** Neither home has IPv4. Default false. */
  readonly v6Only?: boolean
  /** Called when the network stands and nothing has been sent yet. */
  readonly onNetwork?: (internet: Internet, homes: readonly [Home, Home]) => Promise<void>
  /** Added to the flags of both browsers. */
  readonly args?: readonly string[]
}

export interface Meeting {
  readonly internet: Internet
  readonly homes: readonly [Home, Home]
  readonly ana: Person
  readonly ben: Person
  /** Bytes through circuits of the relay so far, both directions. */
  relayedBytes(): Promise<number>
  /** Any number of the relay's, by name and labels; 0 when it has none. */
  metric(name: string): Promise<number>
  close(): Promise<void>
}

/** Resolves when both have opened the page and joined. */
export async function startMeeting({ nat, v6Only = false, onNetwork, args }: MeetingOptions): Promise<Meeting> {
  const stack = new AsyncDisposableStack()
  try {
    const internet = await createInternet()
    stack.defer(internet.close)
    const open = (kind: Nat) => internet.home({ nat: kind, v6: v6Only, v4: !v6Only })
    const homes = [await open(nat[0]), await open(nat[1])] as const
    await onNetwork?.(internet, homes)
    const relay = await startRelayIn(internet.server, `${v6Only ? '[::]' : SERVER_V4}:${PORT}`, { args: ['--lobby'] })
    stack.defer(async () => void (await relay.stop()))
    const join = async (home: Home, name: string) => {
      const person = await startPersonIn(home.client, v6Only ? SERVER_V6 : SERVER_V4, { url: URL, name, chromium: { args } })
      stack.defer(() => person.close())
      return person
    }
    // One after the other would cost seconds; the first error ends both through the stack.
    const joined = await Promise.allSettled([join(homes[0], 'Ana'), join(homes[1], 'Ben')])
    const [ana, ben] = joined.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    }) as [Person, Person]
    const metric = async (name: string) => (await readMetrics(internet.server, relay.adminUrl as string)).get(name) ?? 0
    const relayedBytes = async () => {
      const metrics = await readMetrics(internet.server, relay.adminUrl as string)
      const of = (direction: string) => metrics.get(`dmesh_relayed_bytes_total{direction="${direction}"}`)
      const [forward, back] = [of('forward'), of('back')]
      if (forward === undefined || back === undefined) throw new Error('the relay tells no relayed bytes')
      return forward + back
    }
    return { internet, homes, ana, ben, relayedBytes, metric, close: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

export async function sayTo(from: Person, to: Person, text: string, ms: number): Promise<void> {
  await from.page.evaluate(([peer, words]) => (dmesh as unknown as Mesh).send(peer as string, 'chat', words as string), [to.peer, text])
  const arrived = (state: MeshState) => state.messages.some((one) => one.direction === 'in' && one.text === text)
  await waitUntil(async () => arrived(await to.state()), { ms, what: `"${text}" to reach ${to.name}` })
}

/** Offer random bytes, accept them, wait for the end; both sides and the received bytes themselves must have the digest of what was sent. ms it took after the yes. */
export async function sendFile(from: Person, to: Person, size: number, ms: number): Promise<number> {
  const sent = await from.page.evaluate(offerRandom, { peer: to.peer, size })
  const offer = await findTransfer(to, 10_000, (one) => one.direction === 'in' && one.status === 'offered' && one.size === size)
  const start = performance.now()
  await to.page.evaluate((id) => (dmesh as unknown as Mesh).files.accept(id), offer.id)
  const ended = ({ status }: TransferInfo) => !['offered', 'running', 'verifying'].includes(status)
  const got = await findTransfer(to, ms, (one) => one.id === offer.id && ended(one))
  const took = performance.now() - start
  const gone = await findTransfer(from, ms, (one) => one.id === sent.id && ended(one))
  assert.deepEqual([got.status, got.problem, gone.status, gone.problem], ['done', undefined, 'done', undefined])
  const read = await to.page.evaluate(digestReceived, offer.id)
  assert.deepEqual([got.sha256, gone.sha256, read], [sent.sha256, sent.sha256, sent.sha256])
  return took
}

/** Runs in the page. */
async function offerRandom({ peer, size }: { peer: string; size: number }): Promise<{ id: string; sha256: string }> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const id = await (dmesh as unknown as Mesh).files.offer(peer, new Blob([bytes]), { name: 'holiday.bin' })
  return { id, sha256 }
}

/** Runs in the page. */
async function digestReceived(id: string): Promise<string> {
  const blob = await (dmesh as unknown as Mesh).files.open(id)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function findTransfer(person: Person, ms: number, accept: (one: TransferInfo) => boolean): Promise<TransferInfo> {
  return waitUntil(async () => (await person.state()).transfers.find(accept), { ms, what: `the transfer of ${person.name}` })
}

/** How `person` reaches `other` now. */
export async function lineOf(person: Person, other: Person): Promise<PeerInfo> {
  const line = (await person.state()).peers.find(({ id }) => id === other.peer)
  if (!line) throw new Error(`${person.name} does not see ${other.name}`)
  return line
}
