/** The API of private meshes (design §8, docs/adr/0012), as part of the Mesh of core/mesh.ts. Types only. */

/** An owner admits, invites and removes; a guest is in the mesh, but not among those that rows for members mean. */
export type MemberRole = 'owner' | 'member' | 'guest'

export interface MeshMember {
  readonly peer: string
  /** Petname, else the name in the mesh. */
  readonly name: string
  readonly role: MemberRole
  /** ms since 1970. */
  readonly since: number
  readonly here: boolean
}

/** One private mesh I am in; the lobby is not one. */
export interface MeshInfo {
  /** Its public key as a PeerID, base58. */
  readonly id: string
  readonly name: string
  readonly role: MemberRole
  readonly status: 'joined' | 'waiting' | 'removed'
  /** Name of whose devices must come online, while waiting. */
  readonly waitingFor?: string
  /** Why it does not go on, e.g. INVITE_USED while waiting. */
  readonly problem?: { readonly code: string; readonly message: string }
  /** At most 200. */
  readonly members: readonly MeshMember[]
  /** Of the read key; grows with each removal. */
  readonly epoch: number
  /** Origins. */
  readonly relays: readonly string[]
}

export interface InviteInfo {
  readonly id: string
  readonly mesh: string
  /** A secret: whoever has it can join. */
  readonly link: string
  readonly role: MemberRole
  readonly uses: number
  /** Admitted so far. */
  readonly used: number
  /** ms since 1970. */
  readonly until: number
  readonly opens?: string
  readonly label?: string
}

/** What a link says about itself, before anybody was asked. */
export interface InviteLook {
  readonly mesh: string
  readonly meshName?: string
  /** Name of who invites, as they call themselves. */
  readonly from: string
  /** Origins; the first one counts the uses. */
  readonly relays: readonly string[]
  readonly role: MemberRole
  /** ms since 1970. */
  readonly until: number
}

export interface InviteOptions {
  /** Default 'member'. */
  readonly role?: MemberRole
  /** Default 1, at most 100. */
  readonly uses?: number
  /** ms since 1970. Default in 7 days. */
  readonly until?: number
  /** What the joiner's page opens first: a path of the app. */
  readonly opens?: string
  /** For me alone. */
  readonly label?: string
}

/** Private meshes (docs/adr/0012). A call that changes a mesh needs the role owner in it: NOT_ADMITTER otherwise. NOT_MEMBER for a mesh I am not in. */
export interface MeshesApi {
  /** A new mesh with its own key; resolves with its id. */
  create(name: string): Promise<string>
  rename(mesh: string, name: string): Promise<void>
  invite(mesh: string, options?: InviteOptions): Promise<InviteInfo>
  /** Those I made that still live. */
  invites(mesh: string): Promise<readonly InviteInfo[]>
  withdraw(inviteId: string): Promise<void>
  /** Asks nobody. INVITE_INVALID, INVITE_EXPIRED. */
  look(link: string): Promise<InviteLook>
  /** Resolves with the mesh id once the claim is counted; its state goes waiting → joined. INVITE_USED, INVITE_WITHDRAWN, INVITE_EXPIRED, INVITE_INVALID, RELAY_UNREACHABLE. */
  join(link: string, options?: { signal?: AbortSignal }): Promise<string>
  setRole(mesh: string, peer: string, role: MemberRole): Promise<void>
  /** Rotates the read key. */
  remove(mesh: string, peer: string): Promise<void>
  /** A code of two digits and two words for one person to say to another: ten minutes, one guess, one at a time. Default role 'member'. */
  shortCode(mesh: string, options?: { role?: MemberRole }): Promise<{ readonly code: string; readonly until: number }>
  /** The invite link behind a code that `peer` gave me; then look() and join(). WORDS_INVALID for what cannot be one, CODE_WRONG, PEER_UNREACHABLE. */
  enterCode(peer: string, code: string, options?: { signal?: AbortSignal }): Promise<string>
  /** Recovery words of my user key: whoever has them owns the meshes I made. Not in them: meshes of others, messages, files, names I gave. */
  backup(): Promise<readonly string[]>
  /** Become owner again of the meshes that these words made, as far as the relays that are connected keep them; resolves with their ids. WORDS_INVALID, RELAY_UNREACHABLE, BAD_ARGUMENT where this device made meshes of its own. */
  restore(words: string, options?: { signal?: AbortSignal }): Promise<readonly string[]>
  /** The last owner cannot leave others behind: BAD_ARGUMENT. */
  leave(mesh: string): Promise<void>
}
