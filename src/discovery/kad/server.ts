/** A relay's end of /dmesh/kad/1.0.0: answers questions, keeps entries for others, and puts those of its own lobby where they will be looked for. Must never keep or tell an entry that it did not verify. */
import { ipOfAddress } from '../../core/address.ts'
import type { PeerPlace } from '../../core/find.ts'
import type { PeerStream } from '../../core/peer-stream.ts'
import type { Protocol, ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { fromUtf8, toUtf8 } from '../../shared/bytes.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { prefixOf } from '../../shared/ip-prefix.ts'
import { createFrameReader, encodeFrame } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { createAsk, type KadGround } from './ask.ts'
import { placeOfKey, placeOfPeer } from './distance.ts'
import { type CheckRecord, type Entry, keyOf, keyOfEntry, openEntry, signEntry } from './entry.ts'
import { type FindParts, placesOf, walkFor } from './find.ts'
import { CLOSER, COPIES, IDLE_TIMEOUT, MAX_ADDRESSES, MAX_MESSAGE, MAX_QUESTIONS } from './limits.ts'
import { walk } from './lookup.ts'
import { createEntryStore, type EntryStore } from './store.ts'
import { createTable, type Table } from './table.ts'
import { decodeKad, encodeKad, type KadMessage, type KadPeer, TYPE } from './wire.ts'

export interface KadOptions {
  readonly checkRecord: CheckRecord
  /** Known once the mesh stands. */
  readonly ground: () => Pick<KadGround, 'connect' | 'isConnected' | 'mayDial'>
}

export interface KadService {
  /** A relay that the operator named: never forgotten, always asked. */
  know(relay: KadPeer): Promise<void>
  /** Says where this relay is, and looks for others. Resolves with how many are known. */
  announce(addresses: readonly string[], signal: AbortSignal): Promise<number>
  /** Puts who is in the lobby here: presence records that they signed for this relay. */
  publish(records: ReadonlyMap<string, string>, addresses: readonly string[], signal: AbortSignal): Promise<void>
  find(peer: string, signal: AbortSignal): Promise<readonly PeerPlace[]>
  /** For metrics. */
  numbers(): { readonly relays: number; readonly entries: number }
}

export function createKad(options: KadOptions): Protocol<KadService> {
  return {
    ids: [PROTOCOL.kad],
    may: 'kad.use',
    start(host, ending) {
      const state: State = { host, options, store: createEntryStore(), table: createTable(host.identity.peer) }
      return { service: createService(state, ending), serve: (stream) => serve(state, stream, ending) }
    },
  }
}

interface State {
  readonly host: ProtocolHost
  readonly options: KadOptions
  readonly store: EntryStore
  readonly table: Table
}

async function serve(state: State, stream: PeerStream, ending: AbortSignal): Promise<void> {
  const { clock } = state.host
  const reader = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  for (let count = 0; ; count++) {
    if (count >= MAX_QUESTIONS) throw new MeshError('LIMIT_REACHED', `${MAX_QUESTIONS} questions on one stream`)
    const frame = await withDeadline(clock, IDLE_TIMEOUT, 'a question', ending, (signal) => reader.read(MAX_MESSAGE, signal))
    if (!frame) break
    const reply = await answer(state, stream, decodeKad(frame))
    await withDeadline(clock, IDLE_TIMEOUT, 'an answer to be read', ending, () => writer.write(encodeFrame(encodeKad(reply))))
  }
  await writer.close()
}

async function answer(state: State, stream: PeerStream, { type, key, value }: KadMessage): Promise<KadMessage> {
  const { store, table, host } = state
  if (type === TYPE.ping) return { type, key, closer: [] }
  if (type === TYPE.put) {
    await take(state, stream, key, value)
    return { type, key, ...(value ? { value } : {}), closer: [] }
  }
  const copy = key.slice()
  const kept = type === TYPE.get ? store.get(fromUtf8(copy) ?? '', host.clock.now()) : undefined
  const closer = table.closest(await placeOfKey(copy), CLOSER + 1).filter(({ id }) => id !== stream.peer)
  return { type, key, ...(kept ? { value: kept } : {}), closer: closer.slice(0, CLOSER) }
}

/** BAD_RECORD, OLD_RECORD, LIMIT_REACHED. */
async function take(state: State, stream: PeerStream, key: Uint8Array, value: Uint8Array | undefined): Promise<void> {
  const { host, store, table } = state
  const text = fromUtf8(key)
  if (!value || !text) throw new MeshError('BAD_RECORD', 'nothing to keep')
  const entry = await check(state, text, value)
  const prefix = prefixOf(host.remoteAddress(stream))
  store.put(text, value, entry, prefix, host.clock.now())
  // A relay that speaks for itself is one of us; for others nobody speaks.
  if (entry.s === 'relay' && entry.iss === stream.peer) await table.add({ id: entry.iss, addresses: entry.at }, prefix)
}

function check({ host, options }: State, key: string, value: Uint8Array): Promise<Entry> {
  return openEntry(key, value, { verify: host.identity.verify, checkRecord: options.checkRecord, now: host.clock.now() })
}

function createService(state: State, ending: AbortSignal): KadService {
  const { host, table, store } = state
  const both = (signal: AbortSignal) => AbortSignal.any([signal, ending])
  const around = async (place: Uint8Array) => ({ first: table.fixed(), near: table.closest(place, CLOSER), heard: table })
  return {
    know: (relay) => table.add(relay, '', true),
    async announce(addresses, signal) {
      const me = host.identity.peer
      await spread(state, [{ s: 'relay', at: firstOf(addresses) }], both(signal))
      const place = await placeOfPeer(me)
      const question = { type: TYPE.find, key: toUtf8(keyOf('relay', me)), closer: [] }
      const parts = { me, question, place, take: async () => undefined, ask: createAsk(groundOf(state)), clock: host.clock, log: host.log }
      const { closest } = await walk({ ...parts, ...(await around(place)) }, both(signal))
      // Heard from others, but they answered us under the key that they are named by.
      for (const relay of closest) await table.add(relay, prefixOf(ipOfAddress(relay.addresses[0] ?? '')))
      return table.size()
    },
    async publish(records, addresses, signal) {
      const at = firstOf(addresses)
      const entries = [...records].map(([sub, rec]) => ({ s: 'peer', sub, at, rec }) as const)
      await spread(state, entries, both(signal))
    },
    async find(peer, signal) {
      const key = keyOf('peer', peer)
      const mine = store.get(key, host.clock.now())
      if (mine) return placesOf([await check(state, key, mine)], peer)
      const { found } = await walkFor(groundOf(state), key, await around(await placeOfKey(key)), both(signal))
      return placesOf(found, peer)
    },
    numbers: () => ({ relays: table.size(), entries: store.size() }),
  }
}

function firstOf(addresses: readonly string[]): string[] {
  if (addresses.length === 0) throw new MeshError('BAD_ARGUMENT', 'a relay without an address')
  return addresses.slice(0, MAX_ADDRESSES)
}

function groundOf({ host, options }: State): FindParts {
  const { connect, isConnected, mayDial } = options.ground()
  const { identity, clock, log } = host
  const { checkRecord } = options
  return {
    open: (peer, protocol, how) => host.open(peer, protocol, how),
    connect,
    isConnected,
    mayDial,
    clock,
    log,
    me: identity.peer,
    verify: identity.verify,
    checkRecord,
  }
}

/** Signs them, keeps them here, and gives each to the relays that the operator named and to those closest to its key: one stream a relay. */
async function spread(state: State, entries: readonly Parameters<typeof signEntry>[1][], signal: AbortSignal): Promise<void> {
  const { host, store, table } = state
  const now = host.clock.now()
  const puts = new Map<string, { readonly relay: KadPeer; readonly questions: KadMessage[] }>()
  for (const unsigned of entries) {
    const value = await signEntry(host.identity, unsigned, now)
    const entry = { ...unsigned, iss: host.identity.peer, iat: Math.floor(now / 1000), exp: 0 } as Entry
    const key = keyOfEntry(entry)
    try {
      store.put(key, value, await check(state, key, value), 'own', now)
    } catch (error) {
      // A record that ran out meanwhile: nobody else would take it either.
      host.log('kad.entry.refused', { key, code: codeOf(error) }, 'debug')
      continue
    }
    const question = { type: TYPE.put, key: toUtf8(key), value, closer: [] }
    const targets = new Map([...table.fixed(), ...table.closest(await placeOfKey(key), COPIES)].map((relay) => [relay.id, relay]))
    for (const relay of targets.values()) {
      const put = puts.get(relay.id) ?? { relay, questions: [] }
      put.questions.push(question)
      puts.set(relay.id, put)
    }
  }
  const ask = createAsk(groundOf(state))
  const give = async ({ relay, questions }: { readonly relay: KadPeer; readonly questions: readonly KadMessage[] }) => {
    try {
      await ask(relay, questions, signal)
      table.answered(relay.id)
    } catch (error) {
      if (signal.aborted) return
      table.failed(relay.id)
      // One that refuses us needs its operator; one that is away comes back.
      host.log('kad.put.failed', { peer: relay.id, code: codeOf(error) }, codeOf(error) === 'ACCESS_DENIED' ? 'warn' : 'debug')
    }
  }
  await Promise.all([...puts.values()].map(give))
}
