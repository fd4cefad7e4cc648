/** The page's own state beside the mesh snapshot: where one is, what waits for a choice, what is to be said. One object, handed down as an argument. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Mesh, MeshState } from '../core/mesh.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'
import { EVERYONE } from './mesh-words.ts'
import { createPageHandle, type PageHandle } from './page-handle.ts'
import type { Preferences } from './preferences.page.ts'
import { type Problem, problemOf } from './problem.ts'
import { parseRoute, type Route } from './routes.ts'

export type Boot = { readonly stage: 'starting' | 'ready' } | { readonly stage: 'failed'; readonly problem: Problem }

/** Files or a text that still need somebody to go to. */
export interface Outgoing {
  readonly files: readonly File[]
  readonly text?: string
}

export interface Notice {
  readonly id: number
  readonly problem: Problem
}

/** The sheet that is open, of those about meshes. A link is a secret: it lives here and nowhere else. */
export type Dialog =
  | { readonly kind: 'new' | 'scan' }
  | { readonly kind: 'invite'; readonly mesh?: string }
  | { readonly kind: 'join'; readonly link: string }

export interface UpdateOffer {
  readonly version: string
  /** First characters of the hash over every file of the new build. */
  readonly hash: string
  /** Switch over; every open page reloads. */
  accept(): void
}

export interface InstallOffer {
  /** 'ask' = the browser has a question we can trigger; 'ios' = only a sentence helps. */
  readonly kind: 'ask' | 'ios'
  ask(): Promise<void>
}

export interface App {
  readonly handle: PageHandle
  readonly prefs: Preferences
  readonly suggestedName: string
  readonly origin: string
  readonly state: Signal<MeshState>
  readonly boot: Signal<Boot>
  readonly route: Signal<Route>
  /** ms since 1970, moves every half minute. */
  readonly now: Signal<number>
  readonly wide: Signal<boolean>
  readonly online: Signal<boolean>
  /** The person is writing: nothing may jump in front. */
  readonly typing: Signal<boolean>
  readonly joined: Signal<boolean>
  readonly outgoing: Signal<Outgoing | undefined>
  readonly dialog: Signal<Dialog | undefined>
  /** Whose devices are shown: everyone, the lobby, or one mesh by its id (mesh-words.ts). */
  readonly shown: Signal<string>
  /** Offers put off with "Later"; they stay in Transfers. */
  readonly later: Signal<ReadonlySet<string>>
  /** Offers that came while somebody was writing: a banner, not a sheet, until asked for. */
  readonly quiet: Signal<ReadonlySet<string>>
  readonly notices: Signal<readonly Notice[]>
  /** What a screen reader is told next. */
  readonly live: Signal<string>
  /** The page can be seen: what it shows counts as read. */
  readonly visible: Signal<boolean>
  readonly update: Signal<UpdateOffer | undefined>
  readonly install: Signal<InstallOffer | undefined>
  /** Version and hash of the running build, once the service worker told. */
  readonly build: Signal<{ readonly version: string; readonly hash: string } | undefined>
  /** A file is moving right now. */
  readonly busy: ReadonlySignal<boolean>
  /** First success: a delivered message or a finished file. */
  readonly succeeded: ReadonlySignal<boolean>
  start(): void
}

export interface AppOptions {
  readonly connect: () => Promise<Mesh>
  readonly clock: Clock
  readonly prefs: Preferences
  readonly suggestedName: string
  readonly version: string
  readonly origin: string
  readonly fragment: string
  /** The link, when the page was opened by an invite. */
  readonly invite?: string
  /** Set when the page may not even try. */
  readonly blocked?: Problem
}

export function createApp(options: AppOptions): App {
  const control = createPageHandle(options.version)
  const state = signal(control.handle.state)
  const boot = signal<Boot>({ stage: 'starting' })
  const app: App = {
    handle: control.handle,
    prefs: options.prefs,
    suggestedName: options.suggestedName,
    origin: options.origin,
    state,
    boot,
    route: signal(parseRoute(options.fragment)),
    now: signal(options.clock.now()),
    wide: signal(false),
    online: signal(true),
    typing: signal(false),
    joined: signal(options.prefs.get('joined') !== undefined),
    outgoing: signal(undefined),
    dialog: signal(options.invite ? { kind: 'join', link: options.invite } : undefined),
    shown: signal(EVERYONE),
    later: signal(new Set<string>()),
    quiet: signal(new Set<string>()),
    notices: signal([]),
    live: signal(''),
    visible: signal(true),
    update: signal(undefined),
    install: signal(undefined),
    build: signal(undefined),
    busy: computed(() => state.value.transfers.some((one) => one.status === 'running' || one.status === 'verifying')),
    succeeded: computed(() => hasSucceeded(state.value)),
    start() {
      boot.value = { stage: 'starting' }
      const attempt = options.blocked ? Promise.reject(new MeshError(options.blocked.code, options.blocked.why)) : options.connect()
      control.begin(attempt)
      attempt
        .then((mesh) => {
          state.value = mesh.state
          boot.value = { stage: 'ready' }
          mesh.addEventListener('statechange', (event) => {
            state.value = event.detail
          })
        })
        .catch((error: unknown) => {
          boot.value = { stage: 'failed', problem: options.blocked ?? problemOf('The mesh did not start.', error) }
        })
    },
  }
  return app
}

function hasSucceeded(state: MeshState): boolean {
  return (
    state.messages.some((one) => one.direction === 'out' && (one.status === 'delivered' || one.status === 'read')) ||
    state.transfers.some((one) => one.status === 'done')
  )
}
