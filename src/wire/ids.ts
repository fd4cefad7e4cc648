/** The registry of every protocol id and magic number on our wires. Ids are never reused: a retired one stays listed as RETIRED. */

/** Protocols that DMesh itself speaks. Version = breaking changes only. */
export const PROTOCOL = {
  presence: '/dmesh/presence/1.0.0', // signed presence records, peer ⇄ relay: varint length | JWS text
  message: '/dmesh/message/1.0.0', // one message and its receipt: varint length | JSON header | varint length | body
  read: '/dmesh/read/1.0.0', // read up to here: varint length | JSON id of the message, same for the answer
  files: '/dmesh/files/1.0.0', // offer, answer, bytes, digest: varint length | JSON; then raw file bytes
  webrtc: '/dmesh/webrtc/1.0.0', // signalling of one data channel that yamux runs on: varint length | JSON
  why: '/dmesh/why/1.0.0', // why was my last stream refused: varint length | JSON question, same for the answer
  invite: '/dmesh/invite/1.0.0', // private meshes, peer ⇄ relay: claims of invites, sealed documents: varint length | JSON
  members: '/dmesh/members/1.0.0', // members of a private mesh to each other: the newer document, who leaves: varint length | JSON
  code: '/dmesh/code/1.0.0', // a short code for an invite, by CPace: varint length | JSON
  kad: '/dmesh/kad/1.0.0', // who is at which relay: libp2p's kad-dht messages: varint length | protobuf
  echo: '/dmesh/echo/1.0.0', // every byte comes back; tests, bench and RTT
} as const

/** Protocols of others that we speak as they are. */
export const FOREIGN = {
  hop: '/libp2p/circuit/relay/0.2.0/hop', // circuit-relay-v2
  stop: '/libp2p/circuit/relay/0.2.0/stop', // circuit-relay-v2
  identify: '/ipfs/id/1.0.0', // libp2p identify: protobuf with key, addresses, protocols
  identifyPush: '/ipfs/id/push/1.0.0', // the same, when it changed
  ping: '/ipfs/ping/1.0.0', // 32 random bytes come back
  gossip12: '/meshsub/1.2.0', // gossipsub: RPC frames of subscriptions, messages and control
  gossip11: '/meshsub/1.1.0',
  gossip10: '/meshsub/1.0.0',
  http11: '/http/1.1', // HTTP/1.1, one request after the other (libp2p http spec)
  http: '/http', // the same, as Kubo's p2p HTTP proxy calls it; a named service is /x/NAME/http
  webrtcSignalling: '/webrtc-signaling/0.0.1', // SDP and ICE over a relayed stream
} as const

/** Muxer of connections between DMesh peers: yamux frames, but a stream starts with a window of 1 MiB on both sides. */
export const WIDE_YAMUX = '/dmesh/yamux/1.0.0'

/** Data channels of PROTOCOL.webrtc, pre-negotiated by number: yamux, and one-byte probes with their echoes. */
export const RTC_CHANNEL = { data: 0, alive: 1 } as const
export const ALIVE = { probe: 0, echo: 1 } as const

export type ProtocolName = keyof typeof PROTOCOL
