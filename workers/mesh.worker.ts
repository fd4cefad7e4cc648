/** Root of the mesh worker (design §5): takes the lock, starts the mesh and serves it to pages; the same script as a SharedWorker and as a dedicated worker. Must open its door in the first task. */
import { broadcastLocks } from '../src/bridge/broadcast-locks.ts'
import { names } from '../src/bridge/door-api.ts'
import { alsoHolding, webLocks } from '../src/bridge/locks.ts'
import { readWorkerName } from '../src/bridge/switches.ts'
import { openDoor } from '../src/bridge/worker-door.worker.ts'
import { createWorkerHost } from '../src/bridge/worker-host.ts'
import { toPort } from '../src/core/port.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import { systemClock } from '../src/shared/clock.ts'
import { consoleSink, createLog } from '../src/shared/log.ts'
import { openOwnFilePort } from '../src/storage/opfs-async.worker.ts'
import { createPortFiles } from '../src/storage/port-files.ts'
import type { StandIn } from '../src/transports/webrtc/stand-in.ts'
import { startBrowserMesh } from './browser-mesh.worker.ts'

declare const self: WorkerGlobalScope & { readonly name: string; close(): void }
declare const __DMESH_VERSION__: string | undefined
declare const __DMESH_SOURCE__: string | undefined

function run(): void {
  const clock = systemClock()
  const { log } = createLog(consoleSink(), { '*': 'info', libp2p: 'off' })
  const version = typeof __DMESH_VERSION__ === 'string' ? __DMESH_VERSION__ : '0'
  const source = typeof __DMESH_SOURCE__ === 'string' ? __DMESH_SOURCE__ : 'dev'
  const own = names('dmesh')
  const newId = () => crypto.randomUUID()
  const { webLocks: hasLocks } = readWorkerName(self.name, self)
  const locks = hasLocks
    ? webLocks(navigator.locks)
    : alsoHolding(own.mesh, broadcastLocks(new BroadcastChannel(own.locks), clock, newId), navigator.locks)
  // Not part of what joining needs: a chunk of its own, on its way while the stores open.
  const standIn: Promise<StandIn> = import('../src/transports/webrtc/stand-in.ts').then(({ createStandIn }) => createStandIn({ clock, log }))
  const files = createPortFiles(clock, undefined, openOwnFilePort)
  let storagePort: MessagePort | undefined
  let mesh: MeshHost | undefined
  const host = createWorkerHost({
    build: `${version}+${source}`,
    id: newId(),
    names: own,
    locks,
    clock,
    log,
    async start() {
      mesh = await startBrowserMesh({ version, clock, log, standIn: await standIn, files, origin: self.location.origin })
      return mesh
    },
    borrow(part, port) {
      if (part === 'rtc') {
        const attached = standIn.then((own) => {
          const giveBack = own.attach(toPort(port))
          mesh?.kick()
          return giveBack
        })
        return () => void attached.then((giveBack) => giveBack())
      }
      storagePort = port
      files.attach(port)
      // Only the newest port counts: the page that lent an older one must not take this one away.
      return () => {
        if (storagePort === port) files.detach()
      }
    },
    others: new BroadcastChannel(own.others),
    end: () => self.close(),
  })
  openDoor(self, own, host.accept)
}

run()
