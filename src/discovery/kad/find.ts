/** Where is this peer? Asks the DHT of the relays, and believes only what the peer and its relay signed. For peers that serve nothing themselves: it asks the relays they are at, and walks on from there. */
import { orderAddresses } from '../../core/address.ts'
import type { FindGround, PeerPlace } from '../../core/find.ts'
import type { Identity } from '../../core/identity.ts'
import type { Mesh } from '../../core/mesh.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { createAsk, type KadGround } from './ask.ts'
import { placeOfKey } from './distance.ts'
import { type CheckRecord, type Entry, isPeer, keyOf, openEntry } from './entry.ts'
import { MAX_DIALS } from './limits.ts'
import { type Walk, walk } from './lookup.ts'
import { dialRule } from './reach.ts'
import { TYPE } from './wire.ts'

export interface FindParts extends KadGround {
  readonly me: string
  readonly verify: Identity['verify']
  readonly checkRecord: CheckRecord
  readonly log: Log
}

/** A walk for one key; `found` holds verified entries only. */
export async function walkFor(
  parts: FindParts,
  key: string,
  from: Pick<Walk<Entry>, 'first' | 'near' | 'heard'>,
  signal: AbortSignal,
): ReturnType<typeof walk<Entry>> {
  const { verify, checkRecord, clock, log, me } = parts
  const take: Walk<Entry>['take'] = async ({ value }) => {
    if (!value) return undefined
    return openEntry(key, value, { verify, checkRecord, now: clock.now() }).catch((error: unknown) => {
      log('kad.entry.refused', { key, code: codeOf(error) }, 'warn')
      return undefined
    })
  }
  const question = { type: TYPE.get, key: toUtf8(key), closer: [] }
  return walk({ me, question, place: await placeOfKey(key), take, ask: createAsk(parts), clock, log, ...from }, signal)
}

/** For a peer that serves nothing itself: asks the relays it is at, and walks on from there. BAD_ARGUMENT, PEER_UNREACHABLE, ABORTED. */
export function createFind(ground: FindGround, checkRecord: CheckRecord): Mesh['find'] {
  const { identity, clock, log } = ground
  const parts: FindParts = {
    ...{ me: ground.peer, verify: identity.verify, checkRecord, clock, log },
    open: (peer, protocol, options) => ground.open(peer, protocol, options),
    connect: (address, options) => ground.connect(address, options),
    isConnected: async (peer) => (await ground.why(peer)).path !== 'away',
    mayDial: (address) => dialRule(ground.relays().flatMap(({ origin }) => origin ?? []))(address),
  }
  return async (peer, { signal = new AbortController().signal, connect = false } = {}) => {
    if (!isPeer(peer)) throw new MeshError('BAD_ARGUMENT', `no PeerID: ${peer.slice(0, 90)}`)
    const first = ground.relays().flatMap(({ id }) => (id ? [{ id, addresses: [] }] : []))
    const { found } = await walkFor(parts, keyOf('peer', peer), { first, near: [] }, signal)
    const places = placesOf(found, peer)
    if (connect) await reachOne(parts, peer, places, signal)
    return places
  }
}

async function reachOne(ground: KadGround, peer: string, places: readonly PeerPlace[], signal: AbortSignal): Promise<void> {
  let last: unknown = new MeshError('PEER_UNREACHABLE', `no relay that was asked knows where ${peer} is`)
  const told = places.flatMap(({ addresses }) => addresses).filter(ground.mayDial)
  for (const address of orderAddresses(told).slice(0, MAX_DIALS)) {
    try {
      await ground.connect(address, { signal })
      return
    } catch (error) {
      signal.throwIfAborted()
      last = error
    }
  }
  throw toMeshError(last, 'PEER_UNREACHABLE')
}

/** Each relay once, by its newest entry. */
export function placesOf(found: readonly Entry[], peer: string): readonly PeerPlace[] {
  const places = new Map<string, PeerPlace>()
  for (const entry of [...found].sort((a, b) => a.iat - b.iat)) {
    if (entry.s !== 'peer') continue
    const addresses = entry.at.map((text) => `${text.replace(/\/p2p\/[^/]+$/, '')}/p2p/${entry.iss}/p2p-circuit/p2p/${peer}`)
    places.set(entry.iss, { relay: entry.iss, addresses, until: entry.exp * 1000 })
  }
  return [...places.values()]
}
