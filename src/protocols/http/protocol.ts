/** HTTP in the mesh: fetch and serve over a mesh's own open() and handle(), so the same code runs in the worker, the page and Node.js. Must never import what only one of them has. */
import type { HttpApi } from '../../core/http.ts'
import type { HttpGround } from '../../core/mesh.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { createFetch } from './client.ts'
import { createServe } from './server.ts'

export interface HttpParts {
  readonly clock: Clock
  readonly log: Log
}

/** `ground` is asked for streams as long as the API is used. */
export function createHttp(ground: HttpGround, parts: HttpParts): HttpApi {
  const { open, handle, peer } = ground
  return { fetch: createFetch({ open, ...parts }), serve: createServe({ open, handle, peer, ...parts }) }
}
