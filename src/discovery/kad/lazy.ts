/** Looking for a peer behind a door that is light to load: its code comes with the first call. */

import type { FindGround } from '../../core/find.ts'
import type { Identity } from '../../core/identity.ts'
import type { Mesh } from '../../core/mesh.ts'
import type { CheckRecord } from './entry.ts'

/** `checks` makes the check of presence records, which belong to another room. */
export function createLazyFind(checks: (verify: Identity['verify']) => CheckRecord): (ground: FindGround) => Mesh['find'] {
  return (ground) =>
    async (...args) =>
      (await import('./find.ts')).createFind(ground, checks(ground.identity.verify))(...args)
}
