/** Joining: claim at the one relay that counts, wait for an owner's device, take the document it sealed for me. Survives a restart; the seed is used once and not kept. */
import { readLink, signClaim } from '../../access/invite.ts'
import { backoff } from '../../core/backoff.ts'
import type { MeshesHost } from '../../core/private-mesh.ts'
import { abortable, sleep, withDeadline } from '../../shared/async.ts'
import { toBase64url } from '../../shared/bytes.ts'
import { codeOf, MeshError, toMeshError } from '../../shared/errors.ts'
import type { Desks } from './desks.ts'
import type { MyMesh } from './kept.ts'
import { CLAIM_TIMEOUT, DESK_RETRY, MAX_MY_MESHES } from './limits.ts'
import type { MyMeshes } from './state.ts'

export interface Joiner {
  join(link: string, signal: AbortSignal | undefined): Promise<string>
  /** Go on waiting after a restart. */
  resume(mesh: MyMesh): void
  /** The person gave up, or it is in. */
  stop(id: string): void
}

/** Answers that waiting cannot change. */
const FINAL = new Set([
  'INVITE_INVALID',
  'INVITE_EXPIRED',
  'INVITE_USED',
  'INVITE_WITHDRAWN',
  'WRONG_MESH',
  'LIMIT_REACHED',
  'NOT_MEMBER',
  'KEY_MISMATCH',
  'UNKNOWN_VERSION',
])

export function createJoiner(host: MeshesHost, my: MyMeshes, desks: Desks): Joiner {
  const { identity, clock } = host
  const waiting = new Map<string, AbortController>()

  const claimOnce = async (mesh: MyMesh, origin: string, counted: () => void, signal: AbortSignal) => {
    const { claim } = mesh
    if (!claim) throw new MeshError('NOT_MEMBER', 'nothing is claimed')
    const relay = await desks.connected(origin, signal, claim.relay)
    if (relay !== claim.relay) throw new MeshError('KEY_MISMATCH', `the relay at ${origin} is not the one that counts this invite`)
    const sealing = { key: toBase64url(identity.sealing.publicKey), signature: toBase64url(identity.sealing.signature) }
    const taken: Promise<void>[] = []
    const documents = (newer: Parameters<MyMeshes['take']>[1]) => void taken.push(my.take(mesh, newer))
    await host.desks.claim(relay, { ...claim, sealing }, { counted, documents }, signal)
    await Promise.all(taken)
  }
  const wait = async (mesh: MyMesh, counted: () => void, signal: AbortSignal) => {
    const [origin = ''] = mesh.relays
    for (let failures = 0; !signal.aborted && mesh.status === 'waiting'; failures++) {
      try {
        await claimOnce(
          mesh,
          origin,
          () => {
            failures = 0
            counted()
          },
          signal,
        )
      } catch (error) {
        if (signal.aborted || FINAL.has(codeOf(error))) throw error
        host.log('mesh.claim.lost', { mesh: mesh.id, code: codeOf(error), failures }, 'debug')
      }
      if (mesh.status === 'waiting') await sleep(clock, backoff(failures + 1, host.random(), DESK_RETRY), signal)
    }
  }
  /** Runs until joined or refused; `counted` is for the first claim. */
  const start = (mesh: MyMesh, counted: () => void): Promise<void> => {
    const stop = new AbortController()
    waiting.set(mesh.id, stop)
    const own = AbortSignal.any([stop.signal, host.signal])
    return wait(mesh, counted, own).finally(() => waiting.delete(mesh.id))
  }
  const tell = async (mesh: MyMesh, error: unknown) => {
    const { code, message } = toMeshError(error)
    mesh.problem = { code, message }
    await my.save(mesh)
  }

  return {
    stop: (id) => waiting.get(id)?.abort(new MeshError('ABORTED', 'no longer waiting for this mesh')),
    resume(mesh) {
      for (const origin of mesh.relays.slice(0, 1)) host.addRelay(origin)
      start(mesh, () => undefined).catch((error: unknown) => (host.signal.aborted ? undefined : tell(mesh, error)))
    },
    async join(link, signal) {
      const invite = await readLink(identity.verify, link, clock.now())
      const { mesh: id, relays, from, meshName } = invite.look
      const known = my.find(id)
      if (known?.status === 'joined' || (known?.status === 'waiting' && !known.problem)) return id
      if (!known && my.all().length >= MAX_MY_MESHES) throw new MeshError('LIMIT_REACHED', `you are in ${MAX_MY_MESHES} meshes; leave one first`)
      const claim = { ...(await signClaim(invite, identity.peer)), relay: invite.claims.aud }
      const fresh: MyMesh = {
        id,
        name: meshName ?? '',
        status: 'waiting',
        relays,
        waitingFor: from,
        chain: [],
        document: '',
        removed: '',
        seq: 0,
        keys: new Map(),
        edits: [],
        claim,
        at: clock.now(),
      }
      host.addRelay(relays[0] as string)
      if (!host.relays().some(({ origin, id: relay }) => origin === relays[0] || relay === claim.relay))
        throw new MeshError('LIMIT_REACHED', `there is no room for the relay ${relays[0]}, which counts this invite; remove another relay first`)
      const counted = Promise.withResolvers<void>()
      await my.add(fresh)
      const running = start(fresh, counted.resolve)
      running.catch((error: unknown) => {
        counted.reject(error)
        if (!host.signal.aborted && my.find(id) === fresh) void tell(fresh, error).catch(() => undefined)
      })
      try {
        await withDeadline(clock, CLAIM_TIMEOUT, 'the relay that counts this invite', signal, (own) => abortable(counted.promise, own))
      } catch (error) {
        waiting.get(id)?.abort(error)
        await my.drop(id)
        if (known) await my.add(known)
        throw codeOf(error) === 'TIMEOUT'
          ? new MeshError('RELAY_UNREACHABLE', `${relays[0]} counts this invite and does not answer`, { cause: error })
          : error
      }
      return id
    },
  }
}
