/** From what a person types to one peer (design §8): a PeerID, my own name for it, or the name of a member of my private meshes. Never what a stranger calls itself: anybody can take any name. */
import type { MeshState } from '../../src/core/mesh.ts'
import { canonicalPeer } from '../../src/identity/names.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { printable } from './printable.ts'

export interface Known {
  readonly peer: string
  readonly name: string
}

export interface Resolved extends Known {
  /** 'member' = an owner let this key in, and it goes by that name until somebody says otherwise. */
  readonly by: 'id' | 'mine' | 'member'
}

export interface NameSources {
  readonly state: MeshState
  /** My own names, by PeerID. */
  readonly petnames: Readonly<Record<string, string>>
}

/**
 * Undefined while nobody with that name is known. BAD_ARGUMENT for myself, for a name that several have (all are listed), and for one that somebody only claims.
 */
export function resolvePeer(text: string, { state, petnames }: NameSources): Resolved | undefined {
  const id = canonicalPeer(text.trim())
  if (id === state.peer) throw new MeshError('BAD_ARGUMENT', 'that is this peer itself; for others see: dmesh peers')
  if (id) return { peer: id, name: state.peers.find((peer) => peer.id === id)?.name ?? '', by: 'id' }
  const mine = Object.entries(petnames).map(([peer, name]) => ({ peer, name }))
  const members = state.meshes
    .filter(({ status }) => status === 'joined')
    .flatMap((mesh) => mesh.members.map(({ peer, name }) => ({ peer, name })))
    .filter(({ peer }) => peer !== state.peer)
  const known = pick(text, mine)
  if (known) return { ...known, by: 'mine' }
  const member = pick(text, members)
  if (member) return { ...member, by: 'member' }
  const claims = namedSo(
    text,
    state.peers.map(({ id: peer, name }) => ({ peer, name })),
    true,
  )
  if (claims.length === 0) return undefined
  const who = claims.map(({ peer }) => `\n  ${peer}`).join('')
  throw new MeshError(
    'BAD_ARGUMENT',
    `Nobody you know is called "${printable(text)}", but somebody calls itself so:${who}\nA name proves nothing there. Give the PeerID, or name it yourself: dmesh name PEERID "${printable(text)}"`,
  )
}

/** The one with that name, spelled exactly so if there is one. */
function pick(text: string, known: readonly Known[]): Known | undefined {
  const exact = namedSo(text, known, false)
  const found = exact.length > 0 ? exact : namedSo(text, known, true)
  if (found.length > 1) {
    const who = found.map(({ peer, name }) => `\n  ${peer}  ${printable(name)}`).join('')
    throw new MeshError('BAD_ARGUMENT', `${found.length} peers are called "${printable(text)}". Give the PeerID of one:${who}`)
  }
  return found[0]
}

/** Each peer once, however many meshes it is in. */
function namedSo(text: string, known: readonly Known[], anyCase: boolean): readonly Known[] {
  const plain = (name: string) => (anyCase ? printable(name).toLowerCase() : printable(name))
  const wanted = plain(text)
  if (wanted === '') return []
  return [...new Map(known.filter(({ name }) => plain(name) === wanted).map((one) => [one.peer, one])).values()]
}
