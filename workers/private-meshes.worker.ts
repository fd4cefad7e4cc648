/** Private meshes of the browser's mesh, as a chunk of its own: fetched with the first one. A root's part list. */

import type { StartMeshes } from '../src/mesh/meshes/lazy.ts'
import { startMeshes } from '../src/mesh/meshes/start.ts'
import { createCodes } from '../src/protocols/code/protocol.ts'
import { createDeskClient } from '../src/protocols/invite/client.ts'
import { createMembers } from '../src/protocols/members/protocol.ts'

export const privateMeshes: StartMeshes = (around) => startMeshes(around, { desks: createDeskClient, members: createMembers, codes: createCodes })
