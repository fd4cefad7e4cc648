/** PeerStream: the one shape in which protocols see bytes to and from a peer (web streams, docs/adr/0004). Never a libp2p stream. */

export interface PeerStream {
  /** PeerID of the other side (base58), proven by the handshake. */
  readonly peer: string
  readonly protocol: string
  /** How its connection runs now; see core/path.ts. */
  readonly path: 'direct' | 'relayed'
  /** Bytes from the peer. Chunks belong to the reader. Ends at the peer's half-close, errors with STREAM_RESET or PATH_LOST. */
  readonly readable: ReadableStream<Uint8Array>
  /** Bytes to the peer. A written chunk belongs to the stream until `write()` settles, and for good when shared/spent.ts was told that it is read once. `close()` is a half-close; back-pressure by `ready`. */
  readonly writable: WritableStream<Uint8Array>
  /** Resolves when both directions ended well, rejects with a MeshError otherwise. Never an unhandled rejection. */
  readonly closed: Promise<void>
  /** Reset both directions now. Idempotent. */
  abort(reason?: unknown): void
}

/** Both ways of a stream piped together in memory, for tests and the memory transport: what one side writes the other reads. */
export interface PeerStreamPair {
  readonly a: PeerStream
  readonly b: PeerStream
}
