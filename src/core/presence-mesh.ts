/** Contract between a private mesh and presence: what is sealed, and who counts. Types only. */

/** A private mesh as presence sees it: names are sealed, and only members count. */
export interface PresenceMesh {
  readonly id: string
  seal(shown: PresenceShown): Promise<SealedShown>
  /** Undefined when it is not for a key I have. */
  open(peer: string, sealed: SealedShown): Promise<PresenceShown | undefined>
  /** By the newest document. */
  isMember(peer: string): boolean
}

export interface PresenceShown {
  readonly name: string
  readonly kind: string
}

export interface SealedShown {
  readonly epoch: number
  /** base64url. */
  readonly box: string
}
