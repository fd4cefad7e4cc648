/** Short codes of mine: one at a time, in memory only, for ten minutes and one guess; behind it an invite of one use that is made when the guess was right. */
import type { MeshesApi } from '../../core/meshes.ts'
import type { MeshesHost } from '../../core/private-mesh.ts'
import { MeshError } from '../../shared/errors.ts'
import { isOwner } from './desks.ts'
import { CODE_INVITE_TIME, CODE_TIME } from './limits.ts'
import type { MyMeshes } from './state.ts'

/** With the curve and the list of words: only for whoever makes, takes or is asked for a code. */
const load = () => import('../../access/short-code.ts')

export async function createShortCodes(
  host: MeshesHost,
  my: MyMeshes,
  invite: MeshesApi['invite'],
): Promise<Pick<MeshesApi, 'shortCode' | 'enterCode'>> {
  const { clock } = host
  let live: { readonly code: string; readonly until: number; invite(): Promise<string> } | undefined
  const service = await host.codes({
    start: async (...args) => (await load()).startCode(...args),
    spend() {
      const spent = live
      live = undefined
      return spent && spent.until > clock.now() ? spent : undefined
    },
  })
  return {
    async shortCode(id, { role } = {}) {
      if (!isOwner(host, my.get(id))) throw new MeshError('NOT_ADMITTER', 'only owners of this mesh may invite')
      const until = clock.now() + CODE_TIME
      const make = async () => (await invite(id, { uses: 1, until: clock.now() + CODE_INVITE_TIME, ...(role ? { role } : {}) })).link
      const { makeShortCode } = await load()
      live = { code: makeShortCode(), until, invite: make }
      return { code: live.code, until }
    },
    enterCode: async (peer, text, { signal } = {}) => service.enter(peer, (await load()).readShortCode(text), signal),
  }
}
