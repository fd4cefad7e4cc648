/** The page's way to the mesh (design §7 a): reaches or starts the worker, lends window and storage when elected, comes back after the worker died or the page was frozen. What it needs of other rooms comes as arguments. */
import type { Mesh } from '../core/mesh.ts'
import type { Port } from '../core/port.ts'
import { abortable } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { broadcastLocks } from './broadcast-locks.ts'
import { names } from './door-api.ts'
import { createLender } from './lend.page.ts'
import { type HeldLock, type Locks, webLocks } from './locks.ts'
import { createPageMesh, type MeshSession, type PageMeshParts } from './page-mesh.ts'
import { dedicatedReach, type Reach, sharedReach } from './reach.page.ts'
import { openSession, type PageSession } from './session.page.ts'
import { type Switches, workerName } from './switches.ts'

export interface ConnectPageOptions {
  readonly switches: Switches
  /** Names the build; the same text in page and worker of one build, another in every other. */
  readonly build: string
  /** `new SharedWorker(url, { type: 'module', name, extendedLifetime: true })` with a URL that never changes. */
  readonly openSharedWorker: (name: string) => SharedWorker
  /** `new Worker(url, { type: 'module', name })`, the same script. */
  readonly openWorker: (name: string) => Worker
  readonly openStorage?: () => Worker
  /** serveRtcHost of transports/webrtc. */
  readonly serveRtc?: (port: Port) => { close(): void }
  readonly clock: Clock
  readonly log: Log
  /** createLazyHttp of protocols/http. */
  readonly http: PageMeshParts['http']
  /** Of lock and channel names. Default 'dmesh'. */
  readonly prefix?: string
}

export interface PageMesh extends Mesh {
  readonly host: 'shared worker' | 'dedicated worker'
  readonly switches: Switches
  /** True while this page lends its window and its storage worker. */
  readonly elected: boolean
}

/** Rejects with INSECURE_ORIGIN where browsers give no keys, NOT_SUPPORTED without any worker, UNKNOWN_VERSION when another tab runs a newer build, else with what kept the mesh from starting. */
export async function connectPage(options: ConnectPageOptions): Promise<PageMesh> {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) throw new MeshError('INSECURE_ORIGIN', `this page was opened at ${location.origin}`)
  const life = createLife(options)
  const mesh = await createPageMesh({ ...options, connect: life.connect, random: Math.random }).catch((error: unknown) => {
    life.end()
    throw error
  })
  const close = async () => {
    await mesh.close()
    life.end()
  }
  const { switches } = options
  const extra = { host: switches.sharedWorker ? 'shared worker' : 'dedicated worker', switches, close } as const
  return Object.defineProperties(Object.create(mesh), {
    ...Object.fromEntries(Object.entries(extra).map(([name, value]) => [name, { value, enumerable: true }])),
    elected: { get: life.elected, enumerable: true },
  }) as PageMesh
}

/** What a page holds while it is shown; made anew when it comes back from the back/forward cache. */
interface Held {
  readonly locks: Locks
  readonly reach: Reach
  readonly client: string
  readonly lock: Promise<HeldLock>
  readonly lender: ReturnType<typeof createLender>
  elected: HeldLock | undefined
  session: PageSession | undefined
  readonly stop: AbortController
}

function createLife(options: ConnectPageOptions) {
  let held: Held | undefined
  let fresh = true
  // Settles while the page is shown: a page in the back/forward cache must not hold the mesh of others.
  let shown: PromiseWithResolvers<void> | undefined
  const release = () => {
    const mine = held
    held = undefined
    if (!mine) return
    mine.stop.abort(new MeshError('CLOSED', 'the page was hidden'))
    mine.session?.leave()
    mine.lender.close()
    mine.elected?.release()
    mine.reach.close()
    // Its worker ended in the middle of whatever it did: others must not wait for it to answer.
    if (mine.session?.owner) for (const name of [mine.session.alive, names(options.prefix ?? 'dmesh').mesh]) mine.locks.freed(name)
    mine.lock.then(({ release }) => release()).catch(() => undefined)
    mine.locks.close()
  }
  const onHide = () => {
    shown ??= Promise.withResolvers()
    release()
  }
  const onShow = () => {
    shown?.resolve()
    shown = undefined
  }
  addEventListener('pagehide', onHide)
  addEventListener('pageshow', onShow)
  // A frozen tab answers nobody.
  document.addEventListener('freeze', onHide)
  document.addEventListener('resume', onShow)
  return {
    async connect(signal: AbortSignal): Promise<MeshSession> {
      await abortable(shown?.promise ?? Promise.resolve(), signal)
      const mine = (held ??= take(options))
      await mine.lock
      const session = await openSession(
        { ...options, reach: mine.reach, locks: mine.locks, client: mine.client, fresh },
        AbortSignal.any([signal, mine.stop.signal]),
      )
      fresh = false
      mine.session = session
      if (session.owner || mine.elected) mine.lender.lendTo(session.lend)
      else mine.lender.close()
      return session
    },
    elected: () => held?.session !== undefined && (held.session.owner || held.elected !== undefined),
    end() {
      removeEventListener('pagehide', onHide)
      removeEventListener('pageshow', onShow)
      document.removeEventListener('freeze', onHide)
      document.removeEventListener('resume', onShow)
      release()
    },
  }
}

function take(options: ConnectPageOptions): Held {
  const { switches, clock, log } = options
  const own = names(options.prefix ?? 'dmesh')
  const newId = () => crypto.randomUUID()
  const name = workerName(switches, globalThis)
  const locks = switches.webLocks ? webLocks(navigator.locks) : broadcastLocks(new BroadcastChannel(own.locks), clock, newId)
  const reach = switches.sharedWorker
    ? sharedReach(() => options.openSharedWorker(name))
    : dedicatedReach({ open: () => options.openWorker(name), locks, clock, names: own, newId })
  const client = newId()
  const stop = new AbortController()
  const lender = createLender({ ...options, serveRtc: switches.webRtc ? options.serveRtc : undefined, log })
  const held: Held = { locks, reach, client, lock: locks.take(own.client(client)), lender, elected: undefined, session: undefined, stop }
  // A dedicated worker dies with its tab: only that tab lends. A shared one takes the tab that holds the lock.
  if (switches.sharedWorker) void stand(held, own.rtcHost, log)
  return held
}

/** Stand for election, for as long as the page is here. */
async function stand(held: Held, name: string, log: Log): Promise<void> {
  try {
    held.elected = await held.locks.hold(name, held.stop.signal)
  } catch {
    return
  }
  log('bridge.page.elected')
  const { lost } = held.elected
  lost.addEventListener('abort', () => {
    held.elected = undefined
    held.lender.close()
    void stand(held, name, log)
  })
  if (held.session && !held.session.gone.aborted) held.lender.lendTo(held.session.lend)
}
