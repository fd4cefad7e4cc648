/** What a page and the worker say to each other before and beside the mesh: who they are, which build, what a page lends. Types and the order of builds. */

/** What a page lends to the worker; each comes with a MessagePort. */
export type LentPart = 'rtc' | 'storage'

/** Calls page → worker on CHANNEL.door. */
export type DoorApi = {
  /** First of all. `client` names the lock that the page holds while it lives. Answered at once, whatever the mesh does. */
  hello(client: string, build: string): HelloAnswer
  /** Resolves when the mesh is served on CHANNEL.mesh; rejects with what kept it from starting. A later call tries again. */
  ready(): void
  lend(part: LentPart, port: MessagePort): void
  /** Close the mesh, let go of the key, end the worker. Resolves when the mesh is closed. */
  drain(): void
  /** The page goes; its streams and handlers end. */
  bye(): void
}

export interface HelloAnswer {
  readonly build: string
  /** Lock held by the worker while it lives. */
  readonly alive: string
}

/** On the BroadcastChannel where tabs look for another tab's worker. */
export type Knock = { readonly t: 'knock'; readonly pipe: string } | { readonly t: 'open'; readonly pipe: string }

/** Names of locks and channels of one origin. */
export function names(prefix: string) {
  return {
    mesh: `${prefix}-mesh`, // whoever holds it is the peer: never two with one key
    tab: `${prefix}-tab`, // the tab whose dedicated worker holds the mesh
    rtcHost: `${prefix}-rtc-host`, // the page that lends its window
    client: (id: string) => `${prefix}-client-${id}`,
    alive: (id: string) => `${prefix}-alive-${id}`,
    door: `${prefix}-door`,
    pipe: (id: string) => `${prefix}-pipe-${id}`,
    locks: `${prefix}-locks`,
    others: `${prefix}-others`,
  }
}

/** A page that was just loaded has the newest build there is; one that lost its worker may be old itself and must not end the worker of a newer page. */
export function compareBuilds(page: string, worker: string, fresh: boolean): 'same' | 'page is newer' | 'worker is newer' {
  if (page === worker) return 'same'
  return fresh ? 'page is newer' : 'worker is newer'
}
