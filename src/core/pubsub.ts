/** Contract between the pub/sub protocol, which knows meshes, topics and seals, and the gossip network under it, which knows peers and bytes. Types only. */

/** One signed message as it is on the wire. */
export interface GossipMessage {
  /** PeerID of its author, who signed it. */
  readonly from: string
  /** PeerID of the neighbour that passed it on. */
  readonly source: string
  /** Topic on the wire. */
  readonly topic: string
  readonly data: Uint8Array
}

/** `pass`: it goes on to others. `drop`: it does not, and nobody is blamed. */
export type Verdict = 'pass' | 'drop'

export interface GossipOptions {
  /** Asked once for each message that is new, of topics joined, before it goes on to anybody. */
  readonly judge: (message: GossipMessage) => Promise<Verdict>
  /** Join whatever topics peers are in, as the hub that passes on between them. */
  readonly forward: boolean
}

export interface Gossip {
  join(topic: string): void
  leave(topic: string): void
  /** How many neighbours are in this topic. */
  neighbours(topic: string): number
  /** Sign and send; resolves with the number of neighbours it went to. */
  publish(topic: string, data: Uint8Array): Promise<number>
}

/** Seals to a private mesh, by the read key this peer holds of it. */
export interface MeshSeal {
  seal(plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
  /** Rejects when it was sealed with no key of this mesh, or `from`, its author, is no member. */
  open(sealed: Uint8Array<ArrayBuffer>, from: string): Promise<Uint8Array<ArrayBuffer>>
}
