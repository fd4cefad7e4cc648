/** Contract of the one question that guards every handler. The answer comes from the access room, which is pure; asking is the job of whoever owns the resource. */

/** Each is enforced for every capability: `bytes` and `time` cut what runs, so that `rate` and `concurrent` beside them bound a whole minute. All are counted for one peer. */
export interface Limits {
  /** Bytes in both directions together, of each stream or circuit. */
  readonly bytes?: number
  /** Milliseconds each stream, circuit or reservation may live. */
  readonly time?: number
  /** Starts a minute. */
  readonly rate?: number
  /** How many at once. */
  readonly concurrent?: number
  /** Starts in all, of everybody whom the row speaks of; counted in the store, so that a restart gives none back. */
  readonly uses?: number
}

export interface Decision {
  readonly allow: boolean
  readonly limits: Limits
  /** True when a row answered that speaks of this key or of my meshes, not of everybody in a lobby. */
  readonly granted?: true
  /** One sentence for a person: which row answered. */
  readonly why: string
  /** Id of the row that answered; undefined when none speaks of the question. */
  readonly row?: string
  /** When denied: the error code to answer with. LIMIT_REACHED means a row allows it, but not now. */
  readonly code?: 'ACCESS_DENIED' | 'LIMIT_REACHED'
}

/** What `who` did lately, kept by the caller, so that the decision stays pure. */
export interface Usage {
  readonly startsLastMinute: number
  readonly concurrent: number
  /** Uses of each row that limits them, by row id. Without it such a row denies: who does not count cannot say that some are left. */
  readonly used?: Readonly<Record<string, number>>
}

/** Who asks. `roles`: 'lobby' = in the public mesh of a relay we use, 'guest', 'member' and 'owner' = admitted so to a private mesh of ours (an owner is a member too), 'own' = a device of mine, 'self' = me. */
export interface Who {
  readonly peer: string
  readonly roles: readonly ('lobby' | 'guest' | 'member' | 'owner' | 'own' | 'self')[]
  /** Private meshes it and I are both in, with its role there. */
  readonly meshes?: readonly { readonly id: string; readonly role: 'owner' | 'member' | 'guest' }[]
}

/** One line of a policy. Everything not allowed by a row is denied. */
export interface PolicyRow {
  readonly id: string
  /** 'lobby', 'guest', 'member', 'owner' (roles in a private mesh we are both in), 'own', 'anyone', 'mesh:<id>' (everybody in that private mesh), or 'peer:<PeerID>'. */
  readonly who: readonly string[]
  /** Capabilities, listed in src/access/capabilities.ts. */
  readonly may: readonly string[]
  /** Targets: '*', or a protocol id, a PeerID, a name. Default '*'. */
  readonly to?: readonly string[]
  readonly limits?: Limits
  /** ms since 1970; the row counts for nothing afterwards. */
  readonly until?: number
  /** 'deny' beats every allow. Default 'allow'. */
  readonly effect?: 'allow' | 'deny'
  /** For people, shown in Settings. */
  readonly label: string
}

/** The one question: may `who` do `may` to `to`, given recent `usage`, at time `now` (ms since 1970)? Pure. */
export type Decide = (who: Who, may: string, to: string, usage: Usage, now: number) => Decision

/** What mesh.grant() takes: one allowing row, without its id. */
export interface Grant {
  /** As in PolicyRow. */
  readonly who: readonly string[]
  /** Capabilities; or 'protocol:/x/echo/1.0.0', which stands for 'stream.open' on that protocol, with no others and no `to`. */
  readonly may: readonly string[]
  /** Default '*'. */
  readonly to?: readonly string[]
  readonly limits?: Limits
  /** ms since 1970. */
  readonly until?: number
  /** For people. Default: made from `who` and `may`. */
  readonly label?: string
}

/** A policy that can be read and changed while it runs; `decide` always answers by the newest rows. */
export interface Policy {
  readonly decide: Decide
  rows(): readonly PolicyRow[]
  /** Add or replace by id; kept in the store. BAD_ARGUMENT when malformed. */
  put(row: PolicyRow): Promise<void>
  remove(id: string): Promise<void>
  /** Uses so far of rows that limit them. Without the two, such rows deny. */
  used?(): Readonly<Record<string, number>>
  /** Count one use of this row in the store; false when `most` are counted already. */
  spend?(row: string, most: number): Promise<boolean>
  /** Told after each change, so that live streams can be cut. */
  onChange(listen: () => void, options?: { signal?: AbortSignal }): void
}
