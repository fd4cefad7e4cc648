/** The user key as recovery words, and back: whoever has the words becomes owner again of the meshes that this key made, from any device (design §8). Must never show the words to anybody but the caller. */
import { loadUserKey, replaceUserSecret, secretOfWords, type UserKey, userKeyOf, userWords } from '../../access/keyring.ts'
import { signCertificate } from '../../access/membership.ts'
import { openProfile, openShare, readDocument } from '../../access/profile.ts'
import { signUserProof } from '../../access/user-proof.ts'
import type { MeshesApi } from '../../core/meshes.ts'
import type { MeshDocuments, MeshesHost } from '../../core/private-mesh.ts'
import { withDeadline } from '../../shared/async.ts'
import { toBase64url } from '../../shared/bytes.ts'
import { codeOf, MeshError } from '../../shared/errors.ts'
import { applyMyEdits } from './document.ts'
import { type MyMesh, withKey } from './kept.ts'
import { MAX_MY_MESHES, RESTORE_TIMEOUT } from './limits.ts'
import type { MyMeshes } from './state.ts'

export function createBackup(host: MeshesHost, my: MyMeshes): Pick<MeshesApi, 'backup' | 'restore'> {
  const { identity, records, clock } = host
  const now = () => clock.now()
  const ask = async (user: UserKey, signal: AbortSignal): Promise<readonly MeshDocuments[]> => {
    const relays = host.relays().filter(({ connected }) => connected)
    if (relays.length === 0) throw new MeshError('RELAY_UNREACHABLE', 'no relay is connected, and relays keep what is restored')
    const asked = relays.map(async ({ id }) => host.desks.mine(id, await signUserProof(user, id, identity.peer, now()), signal))
    const results = await Promise.allSettled(asked)
    const found = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    const [failed] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    if (found.length === 0 && failed) throw failed
    return found
  }
  const take = async (user: UserKey, documents: MeshDocuments): Promise<string> => {
    const { id } = readMesh(documents)
    if (my.find(id)?.status === 'joined') return id
    if (my.all().length >= MAX_MY_MESHES) throw new MeshError('LIMIT_REACHED', `you are in ${MAX_MY_MESHES} meshes; leave one first`)
    const mesh = await openAsUser(host, user, documents)
    await applyMyEdits({ identity, records, now }, mesh)
    await my.add(mesh)
    return id
  }
  return {
    backup: () => userWords(identity, records),
    async restore(words, { signal } = {}) {
      const secret = await secretOfWords(words)
      const user = userKeyOf(secret)
      const own = await loadUserKey(identity, records)
      if (own.peer !== user.peer && my.all().some(({ userChain }) => userChain))
        throw new MeshError('BAD_ARGUMENT', 'this device made private meshes of its own; leave them first, or restore on another device')
      await replaceUserSecret(identity, records, secret)
      const found = await withDeadline(clock, RESTORE_TIMEOUT, 'the relays', signal, (deadline) => ask(user, deadline))
      const restored: string[] = []
      // The newest of each, whatever each relay has.
      for (const documents of [...found].sort((a, b) => b.seq - a.seq)) {
        try {
          const id = await take(user, documents)
          if (id && !restored.includes(id)) restored.push(id)
        } catch (error) {
          host.log('mesh.restore.refused', { code: codeOf(error) }, 'warn')
        }
      }
      return restored
    },
  }
}

function readMesh({ document }: MeshDocuments): { readonly id: string } {
  return { id: readDocument(document).mesh }
}

/** The mesh as the user key sees it, with this device as one more owner to be put in. WRONG_MESH. */
async function openAsUser(host: MeshesHost, user: UserKey, { document: text, removed, seq }: MeshDocuments): Promise<MyMesh> {
  const { identity, clock } = host
  const document = readDocument(text)
  const share = await openShare(document, user.peer, user.opener)
  if (!share || document.seq !== seq) throw new MeshError('WRONG_MESH', 'this mesh has nothing for these words')
  const profile = await openProfile(identity.verify, document, share.readKey, clock.now())
  const certificate = await signCertificate(user, { sub: identity.peer, mesh: document.mesh, epoch: profile.epoch, own: true, now: clock.now() })
  const member = {
    p: identity.peer,
    k: toBase64url(identity.sealing.publicKey),
    r: 'owner' as const,
    s: Math.floor(clock.now() / 1000),
    n: host.name(),
  }
  return {
    id: document.mesh,
    name: profile.name,
    status: 'joined',
    relays: host.relays().map(({ origin }) => origin),
    chain: [...share.chain, certificate],
    userChain: share.chain,
    document: text,
    removed,
    seq,
    profile,
    keys: withKey(new Map(), profile.epoch, share.readKey),
    edits: [{ t: 'own', member }],
    at: clock.now(),
  }
}
