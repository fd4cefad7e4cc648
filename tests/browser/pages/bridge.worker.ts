/** Mesh worker of the bridge tests: the real worker host around a mesh without a network. Its build comes from the URL, so that a test can update it. */
import { broadcastLocks } from '../../../src/bridge/broadcast-locks.ts'
import { names } from '../../../src/bridge/door-api.ts'
import { alsoHolding, webLocks } from '../../../src/bridge/locks.ts'
import { readWorkerName } from '../../../src/bridge/switches.ts'
import { openDoor } from '../../../src/bridge/worker-door.worker.ts'
import { createWorkerHost } from '../../../src/bridge/worker-host.ts'
import { toPort } from '../../../src/core/port.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { createStandIn } from '../../../src/transports/webrtc/stand-in.ts'
import { createFakeMesh } from '../../support/fake-mesh.ts'
import { exchange } from './rtc-exchange.ts'

declare const self: WorkerGlobalScope & { readonly name: string; close(): void }

const id = crypto.randomUUID()
const own = names('dmesh')
const clock = systemClock()
const { webLocks: hasLocks } = readWorkerName(self.name, self)
const locks = hasLocks
  ? webLocks(navigator.locks)
  : alsoHolding(
      own.mesh,
      broadcastLocks(new BroadcastChannel(own.locks), clock, () => crypto.randomUUID()),
      navigator.locks,
    )
const standIn = createStandIn()
standIn.install(globalThis)
let starts = 0
let memory = 0
const host = createWorkerHost({
  build: (globalThis as unknown as { testBuild?: string }).testBuild ?? 'build-1',
  id,
  names: own,
  locks,
  clock,
  log: () => undefined,
  async start() {
    starts++
    const mesh = createFakeMesh(id)
    // How many hold the key at once: more than one would be two peers.
    await mesh.handle('/fake/starts/1.0.0', (stream) => answer(stream.writable, `${starts}`))
    await mesh.handle('/fake/rtc/1.0.0', async (stream) =>
      answer(stream.writable, JSON.stringify(standIn.available() ? await exchange(1_048_576) : 'no host')),
    )
    await mesh.handle('/fake/available/1.0.0', (stream) => answer(stream.writable, `${standIn.available()}`))
    await mesh.handle('/fake/pour/1.0.0', async (stream) => {
      const writer = stream.writable.getWriter()
      for (;;) {
        await writer.write(new Uint8Array(65_536))
        memory += 65_536
      }
    })
    await mesh.handle('/fake/poured/1.0.0', (stream) => answer(stream.writable, `${memory}`))
    await mesh.handle('/fake/die/1.0.0', () => self.close())
    return mesh
  },
  borrow: (part, port) => (part === 'rtc' ? standIn.attach(toPort(port)) : () => port.close()),
  others: new BroadcastChannel(own.others),
  end: () => self.close(),
})
openDoor(self, own, host.accept)

async function answer(writable: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = writable.getWriter()
  await writer.write(new TextEncoder().encode(text))
  await writer.close()
}
