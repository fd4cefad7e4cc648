/** Contract of HTTP in the mesh (design §4): fetch and serve in the shapes of the web platform, in every place where there is a mesh. */

/** What a handler is told beside the request. */
export interface ServeContext {
  /** PeerID of who asks, proved by the handshake. */
  readonly peer: string
}

/** The handler shape of Hono, Workers and Deno: an app of theirs can be given as it is. */
export interface ServeHandler {
  /** `request.url` is `http://<my key, base36>.p2p/…`; its signal fires when who asked is gone. Throwing answers 500. */
  fetch(request: Request, context: ServeContext): Response | Promise<Response>
}

export interface ServeOptions {
  /** A second service beside the main one: [a-z0-9], at most 12, asked for as dmesh://PEER-NAME/. Default: the main one. BAD_ARGUMENT. */
  readonly name?: string
  /** Ends it: new requests are refused, running ones finish. */
  readonly signal?: AbortSignal
  /** As in handle(). Default 'members': a lobby is a mesh that everybody can enter, so strangers are not let in unasked. */
  readonly allow?: 'mesh' | 'members' | 'nobody' | readonly string[]
}

export interface HttpApi {
  /**
   * As the platform's fetch, for `dmesh://PEER/path` and `dmesh://PEER-NAME/path`; PEER is base58 or base36. Bodies stream both ways. Redirects are followed within the
   * peer. BAD_ARGUMENT, and what open() throws; TIMEOUT when no answer began in 150 s; BAD_FRAME when it is no HTTP; ABORTED by its signal. A body that breaks off
   * errors with PATH_LOST or STREAM_RESET.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Resolves once requests are taken. */
  serve(handler: ServeHandler, options?: ServeOptions): Promise<void>
}
