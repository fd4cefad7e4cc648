/** What the test may ask of the mesh in the page. */

export interface Commands {
  /** Our PeerID, once the relay holds a place for us. */
  join(): Promise<string>
  /** Dials exactly this address; the version of webrtc-direct that was spoken, 0 for another transport. */
  connect(address: string): Promise<number>
  /** Random bytes there and back; the path they took. */
  echo(peer: string, bytes: number): Promise<string>
  /** Resolves when no connection to `peer` is left; ms that it took. */
  gone(peer: string): Promise<number>
  /** Lets `peer` open our echo protocol. */
  allow(peer: string): Promise<void>
}
