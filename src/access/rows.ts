/** The rows a new peer and a new relay start with. Must never allow a capability by wildcard. */
import type { PolicyRow } from '../core/access.ts'
import {
  DESK_STREAMS,
  DESK_STREAMS_PER_MINUTE,
  LOBBY_CIRCUIT_BYTES,
  LOBBY_CIRCUIT_MS,
  LOBBY_CIRCUITS,
  LOBBY_CIRCUITS_PER_MINUTE,
  LOBBY_LOOKUPS,
  LOBBY_LOOKUPS_PER_MINUTE,
  LOBBY_MESSAGES_PER_MINUTE,
  LOBBY_OFFERS,
  LOBBY_OFFERS_PER_MINUTE,
  LOBBY_PRESENCE,
  LOBBY_PRESENCE_PER_MINUTE,
  LOBBY_PUBSUB_BYTES,
  LOBBY_PUBSUB_PER_MINUTE,
  LOBBY_RESERVATIONS_PER_MINUTE,
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
    kadRow(),
    pubsub,
  ]
}

/** Each question finds somebody whose PeerID is known, not everybody. */
function kadRow(): PolicyRow {
  const limits = { rate: LOBBY_LOOKUPS_PER_MINUTE, concurrent: LOBBY_LOOKUPS }
  return { id: 'lobby-kad', who: ['lobby'], may: ['kad.use'], limits, label: 'Lobby: look up at which relay somebody is' }
}

/** What admitted members and my own devices may do, lobby or not. */
export function memberRows(place: Place): readonly PolicyRow[] {
  const may = place === 'peer' ? ['message.send', 'file.offer', 'pubsub'] : ['presence.join', 'relay.reserve', 'relay.hop', 'kad.use', 'pubsub']
  return [
    { id: 'own', who: ['own'], may, label: 'My own devices' },
    { id: 'member', who: ['member'], may, label: 'Members of my meshes' },
  ]
}

/** The rows to start with, for what people do. What a link itself needs (identify, ping, signalling) has its rows in the mesh room: linkRows(). */
export function defaultRows(place: Place, lobby: boolean): readonly PolicyRow[] {
  return [...memberRows(place), ...(place === 'relay' ? [deskRow()] : []), ...lobbyRows(lobby, place)]
}

/** Whoever holds an invite is a stranger still, so a relay's desk is open to all: it keeps little for each, and lets in only whom a mesh certified. */
function deskRow(): PolicyRow {
  const limits = { rate: DESK_STREAMS_PER_MINUTE, concurrent: DESK_STREAMS }
  return { id: 'desk', who: ['anyone'], may: ['mesh.desk'], limits, label: 'Anyone: use an invite, show a membership' }
}
