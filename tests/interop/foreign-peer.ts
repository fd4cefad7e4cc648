/** What the interop tests ask of a peer that is not ours, whoever wrote it. Every call rejects after its own deadline. */

export interface ForeignPeer {
  readonly peer: string
  /** Multiaddrs it listens on, ending in /p2p/<peer>. */
  readonly addresses: readonly string[]
  /** Connects to exactly this address. */
  dial(address: string): Promise<void>
  connections(peer: string): Promise<readonly ForeignConnection[]>
  /** ms */
  ping(peer: string): Promise<number>
  /** What `peer` said about itself on the connection that is open. */
  identify(peer: string): Promise<{ readonly agent: string; readonly protocols: readonly string[] }>
  /** Sends random bytes over an open connection, half-closes and compares what comes back. `limited`: a limited circuit may carry it. */
  echo(peer: string, bytes: number, options?: { readonly limited?: boolean }): Promise<void>
  reserve(relay: string): Promise<Place>
  hangUp(peer: string): Promise<void>
  close(): Promise<void>
}

export interface ForeignConnection {
  readonly address: string
  readonly inbound: boolean
  /** The relay said that it limits this circuit. */
  readonly limited: boolean
}

export interface Place {
  /** Told by the relay, or what is announced since. */
  readonly addresses: readonly string[]
  /** As far as this program tells. */
  readonly seconds?: number
  /** Signed by the relay for this peer. */
  readonly voucher?: boolean
}
