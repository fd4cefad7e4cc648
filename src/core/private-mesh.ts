/** Contracts of private meshes: what passes between the mesh that keeps them, the desk of a relay (protocols/invite) and presence (discovery/registry). Types only. */
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Identity } from './identity.ts'
import type { MemberRole, MeshesApi, MeshInfo } from './meshes.ts'
import type { PresenceService } from './protocol.ts'
import type { MeshSeal } from './pubsub.ts'
import type { RecordStore } from './stores.ts'

/** A claim as it travels: what the joiner holds proves itself, and where to seal for it. */
export interface Claim {
  readonly token: string
  readonly nonce: string
  readonly signature: string
  /** The joiner's X25519 key and its certificate, base64url. */
  readonly sealing: { readonly key: string; readonly signature: string }
}

/** Shows that whoever asks has a user key. */
export interface UserProof {
  readonly user: string
  /** Seconds since 1970. */
  readonly at: number
  readonly signature: string
}

/** What a relay keeps of a mesh. It can read neither. */
export interface MeshDocuments {
  readonly seq: number
  /** The sealed document. */
  readonly document: string
  /** The signed list of those removed; empty when there are none. */
  readonly removed: string
}

export interface DeskEvents {
  /** Newer than what I said I have. */
  documents(documents: MeshDocuments): void
  /** Somebody waits to be admitted; told to owners. */
  claim(claim: Claim & { readonly peer: string }): void
  /** A member goes; told to owners until one says `left`. */
  leaving(going: Leaving): void
}

/** One mesh at one relay, as a member. Every call resolves when the relay has it on its disk. */
export interface Desk {
  /** What the relay has. */
  readonly seq: number
  /** OLD_RECORD when the relay has as new a one: it comes as an event. NOT_ADMITTER. */
  put(documents: MeshDocuments): Promise<void>
  /** Tell a joiner yes (no code) or why not. */
  answer(invite: string, peer: string, code?: string): Promise<void>
  /** `until` in ms: how long the relay has to remember. */
  withdraw(invite: string, until: number): Promise<void>
  /** I go: the relay tells owners, now or when they come. */
  leave(leave: string): Promise<void>
  /** An owner took care of somebody's leaving. */
  left(peer: string): Promise<void>
  /** Settles with the stream; rejects with what ended it. */
  readonly closed: Promise<void>
}

export interface DeskClient {
  /** Show my certificates to a relay and follow the mesh there. NOT_MEMBER with its newest documents as `removed` when it says I was removed. */
  attend(
    relay: string,
    hello: { readonly mesh: string; readonly chain: readonly string[]; readonly have: number },
    on: DeskEvents & { removed(newest: MeshDocuments): void },
    signal: AbortSignal,
  ): Promise<Desk>
  /** Documents of the meshes that this user key made, as far as the relay keeps them. ACCESS_DENIED. */
  mine(relay: string, proof: UserProof, signal: AbortSignal): Promise<readonly MeshDocuments[]>
  /** Claim, then wait: `counted` is called once the relay counted it, `answered` when an owner answered. Ends when admitted; rejects with why not. */
  claim(relay: string, claim: Claim, on: { counted(): void; documents(documents: MeshDocuments): void }, signal: AbortSignal): Promise<void>
}

/** What members tell each other, as the mesh answers it. */
export interface MembersHooks {
  /** What I have of this mesh; undefined when I am not in it. */
  mine(mesh: string): { readonly chain: readonly string[]; readonly documents: MeshDocuments } | undefined
  /** What these certificates prove about `peer`, by the newest document here. */
  standing(peer: string, mesh: string, chain: readonly string[]): Promise<'member' | 'removed' | 'stranger'>
  take(mesh: string, documents: MeshDocuments): Promise<void>
  /** A member says that I am out. */
  removed(mesh: string, newest: MeshDocuments): Promise<void>
  /** Somebody goes. WRONG_MESH when it did not sign that. */
  left(mesh: string, going: Leaving): Promise<void>
}

export interface Leaving {
  readonly peer: string
  /** Signed; see signLeave of the access room. */
  readonly leave: string
}

export interface MembersService {
  /** The newer document goes to who has the older one. NOT_MEMBER, PEER_UNREACHABLE, TIMEOUT. */
  meet(peer: string, mesh: string, signal: AbortSignal): Promise<void>
  /** Tell a member that I go. */
  leave(peer: string, mesh: string, leave: string, signal: AbortSignal): Promise<void>
}

/** One run of a short code, as the access room does it. */
export interface CodeRun {
  readonly share: Uint8Array<ArrayBuffer>
  finish(theirs: Uint8Array): {
    readonly proof: Uint8Array<ArrayBuffer>
    proves(proof: Uint8Array): boolean
    seal(link: string): Promise<Uint8Array<ArrayBuffer>>
    open(box: Uint8Array): Promise<string>
  }
}

export interface CodeHooks {
  start(code: string, who: { issuer: string; joiner: string }, session: Uint8Array, role: 'issuer' | 'joiner'): Promise<CodeRun>
  /** Takes the code that lives; nobody gets it again. */
  spend(): { readonly code: string; invite(): Promise<string> } | undefined
}

export interface CodeService {
  /** The invite link that this code stands for at `peer`. CODE_WRONG, PEER_UNREACHABLE, TIMEOUT. */
  enter(peer: string, code: string, signal: AbortSignal | undefined): Promise<string>
}

/** What a relay's desk needs to know about the formats of the access room. */
export interface DeskChecks {
  /** The token's claims, if its issuer signed it for this relay and its time is not over. INVITE_INVALID, INVITE_EXPIRED. */
  invite(
    token: string,
  ): Promise<{ readonly mesh: string; readonly id: string; readonly issuer: string; readonly uses: number; readonly until: number }>
  /** INVITE_INVALID when the holder of the link did not name `peer`. */
  claim(claim: Claim, peer: string): Promise<void>
  /** ACCESS_DENIED when the user key did not name `peer`. */
  user(proof: UserProof, peer: string): Promise<void>
  /** WRONG_MESH when the chain does not lead from `mesh` to `peer`. */
  member(
    peer: string,
    mesh: string,
    chain: readonly string[],
  ): Promise<{
    /** The user key that made the mesh: whom the mesh key certified. */
    readonly root: string
    readonly owner: boolean
    readonly until: number
    isRemoved(floors: Readonly<Record<string, number>>): boolean
  }>
  /** WRONG_MESH when no owner signed it. */
  removed(mesh: string, list: string): Promise<Readonly<Record<string, number>>>
}

/** Where a peer and I meet, with its role there. */
export interface SharedMesh {
  readonly id: string
  readonly role: MemberRole
}

/** The private meshes of this peer, as the mesh room needs them. */
export interface MeshesService extends MeshesApi {
  infos(): readonly MeshInfo[]
  /** Meshes that `peer` and I are both in, by the newest documents. */
  sharedWith(peer: string): readonly SharedMesh[]
  /** Name of a peer that an owner signed. */
  nameOf(peer: string): string | undefined
  /** For topics. Undefined for a mesh that I am not in, or not any more. Asked each time, so that a rotated key counts at once. */
  sealFor(mesh: string): Promise<MeshSeal | undefined>
}

/** What keeps private meshes may use of the mesh. */
export interface MeshesHost {
  readonly identity: Identity
  readonly records: RecordStore
  readonly clock: Clock
  readonly log: Log
  /** [0, 1). */
  readonly random: () => number
  readonly desks: DeskClient
  /** Starts to answer short codes; call once. */
  readonly codes: (hooks: CodeHooks) => Promise<CodeService>
  /** Starts to answer members; call once. */
  readonly members: (hooks: MembersHooks) => Promise<MembersService>
  readonly presence: PresenceService
  /** Relays with an origin; `id` once it answered. */
  relays(): readonly { readonly origin: string; readonly id: string; readonly connected: boolean }[]
  /** A relay was connected or lost. */
  onRelays(listen: () => void): void
  /** Keep this one too. */
  addRelay(origin: string): void
  /** What this relay (PeerID) lets me do may be more now, or less: ask it for a place at once. */
  renewPlace(relay: string, gained: boolean): void
  /** What I call myself. */
  name(): string
  /** Meshes, members or roles changed. */
  changed(): void
  /** Fires when the mesh is closed. */
  readonly signal: AbortSignal
}
