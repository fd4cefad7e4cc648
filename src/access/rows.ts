/** The rows a new peer and a new relay start with, and the check of rows from a person, a file or a store. Must never allow a capability by wildcard. */
import * as v from 'valibot'
import type { PolicyRow } from '../core/access.ts'
import { MeshError } from '../shared/errors.ts'
import {
  LOBBY_CIRCUIT_BYTES,
  LOBBY_CIRCUIT_MS,
  LOBBY_CIRCUITS,
  LOBBY_CIRCUITS_PER_MINUTE,
  LOBBY_MESSAGES_PER_MINUTE,
  LOBBY_OFFERS,
  LOBBY_OFFERS_PER_MINUTE,
  LOBBY_PRESENCE,
  LOBBY_PRESENCE_PER_MINUTE,
  LOBBY_PUBSUB_BYTES,
  LOBBY_PUBSUB_PER_MINUTE,
  LOBBY_RESERVATIONS_PER_MINUTE,
  MAX_ENTRIES,
  MAX_ENTRY_CHARS,
} from './limits.ts'

/** Where a policy is asked: at a person's peer, or at the relay that owns the hop. */
export type Place = 'peer' | 'relay'

/** What strangers in the lobby may do; no rows when it is off. At a peer: messages and file offers. At a relay: presence, reservation, hop. */
export function lobbyRows(on: boolean, place: Place): readonly PolicyRow[] {
  if (!on) return []
  const pubsub: PolicyRow = {
    id: 'lobby-pubsub',
    who: ['lobby'],
    may: ['pubsub'],
    limits: { rate: LOBBY_PUBSUB_PER_MINUTE, bytes: LOBBY_PUBSUB_BYTES },
    label: place === 'peer' ? 'Lobby: pass on messages of topics I listen to' : 'Lobby: publish and subscribe through this relay',
  }
  if (place === 'peer') {
    return [
      { id: 'lobby-message', who: ['lobby'], may: ['message.send'], limits: { rate: LOBBY_MESSAGES_PER_MINUTE }, label: 'Lobby: send me messages' },
      {
        id: 'lobby-file',
        who: ['lobby'],
        may: ['file.offer'],
        limits: { rate: LOBBY_OFFERS_PER_MINUTE, concurrent: LOBBY_OFFERS },
        label: 'Lobby: offer me files (I accept each one)',
      },
      pubsub,
    ]
  }
  return [
    {
      id: 'lobby-presence',
      who: ['lobby'],
      may: ['presence.join'],
      limits: { rate: LOBBY_PRESENCE_PER_MINUTE, concurrent: LOBBY_PRESENCE },
      label: 'Lobby: be seen',
    },
    {
      id: 'lobby-reserve',
      who: ['lobby'],
      may: ['relay.reserve'],
      limits: { rate: LOBBY_RESERVATIONS_PER_MINUTE },
      label: 'Lobby: be reachable here',
    },
    {
      id: 'lobby-hop',
      who: ['lobby'],
      may: ['relay.hop'],
      limits: { bytes: LOBBY_CIRCUIT_BYTES, time: LOBBY_CIRCUIT_MS, rate: LOBBY_CIRCUITS_PER_MINUTE, concurrent: LOBBY_CIRCUITS },
      label: 'Lobby: reach others through this relay',
    },
    pubsub,
  ]
}

/** What admitted members and my own devices may do, lobby or not. */
export function memberRows(place: Place): readonly PolicyRow[] {
  const may = place === 'peer' ? ['message.send', 'file.offer', 'pubsub'] : ['presence.join', 'relay.reserve', 'relay.hop', 'pubsub']
  return [
    { id: 'own', who: ['own'], may, label: 'My own devices' },
    { id: 'member', who: ['member'], may, label: 'Members of my meshes' },
  ]
}

/** The rows to start with, for what people do. What a link itself needs (identify, ping, signalling) has its rows in the mesh room: linkRows(). */
export function defaultRows(place: Place, lobby: boolean): readonly PolicyRow[] {
  return [...memberRows(place), ...lobbyRows(lobby, place)]
}

/** An id, capability, target or label. */
export const entrySchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_ENTRY_CHARS),
  v.regex(/^[^\p{Cc}]*$/u, 'control characters are not allowed'),
)
const entries = v.pipe(v.array(entrySchema), v.minLength(1), v.maxLength(MAX_ENTRIES))
/** One entry of `who`. */
export const whoSchema = v.pipe(
  entrySchema,
  v.regex(
    /^(anyone|lobby|member|own|self|peer:[1-9A-HJ-NP-Za-km-z]{40,64})$/,
    "expected 'anyone', 'lobby', 'member', 'own', 'self' or 'peer:' and a PeerID in base58",
  ),
)
const amount = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

/** Put before an object schema: valibot takes a list for an object, and `limits: []` must not mean "no limits". */
export const notList = v.pipe(
  v.unknown(),
  v.check((value) => !Array.isArray(value), 'expected { }, got a list'),
)

/** A row from outside. Unknown members are refused: a misspelt `until` would otherwise last for ever. */
export const rowSchema = v.pipe(
  notList,
  v.strictObject({
    id: entrySchema,
    who: v.pipe(v.array(whoSchema), v.minLength(1), v.maxLength(MAX_ENTRIES)),
    may: entries,
    to: v.optional(entries),
    limits: v.optional(
      v.pipe(
        notList,
        v.strictObject({ bytes: v.optional(amount), time: v.optional(amount), rate: v.optional(amount), concurrent: v.optional(amount) }),
      ),
    ),
    until: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
    effect: v.optional(v.picklist(['allow', 'deny'])),
    label: entrySchema,
  }),
  v.forward(
    v.check(
      (row) => row.effect === 'deny' || !row.may.includes('*'),
      "'*' stands for every capability, so only a row with effect 'deny' may have it",
    ),
    ['may'],
  ),
)

/** A row of the right shape, copied. BAD_ARGUMENT with the place and the reason otherwise. */
export function parseRow(value: unknown): PolicyRow {
  const result = v.safeParse(rowSchema, value, { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  throw new MeshError('BAD_ARGUMENT', `this row is not valid: ${v.getDotPath(issue) ?? 'row'}: ${issue.message}`)
}
