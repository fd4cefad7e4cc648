/** Worker of the interop tests in a browser: the mesh that the product runs in its worker, doing what the page asks. */
import { toPort } from '../../../src/core/port.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { createMemoryFiles } from '../../../src/storage/memory.ts'
import { createStandIn } from '../../../src/transports/webrtc/stand-in.ts'
import { PROTOCOL } from '../../../src/wire/ids.ts'
import { startBrowserMesh } from '../../../workers/browser-mesh.worker.ts'
import type { Commands } from '../commands.ts'

declare const self: WorkerGlobalScope & { onmessage: unknown; postMessage(message: unknown): void }

const standIn = createStandIn()
/** Version of the webrtc-direct handshake of the newest dial. */
let version = 0
const mesh = startBrowserMesh({
  version: '0',
  clock: systemClock(),
  log: (event, fields) => {
    if (event === 'webrtc-direct.dial.opened') version = Number(fields?.version)
  },
  standIn,
  files: createMemoryFiles(),
  origin: self.location.origin,
})

const commands: Commands = {
  async join() {
    const { peer, state } = await mesh
    const end = Date.now() + 15_000
    while ((await mesh).state.status === 'starting' || (await mesh).state.relays[0]?.status !== 'reserved') {
      if (Date.now() > end) throw new Error(`no place on the relay: ${JSON.stringify(state.relays)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return peer
  },
  async connect(address) {
    version = 0
    await (await mesh).connect(address)
    return version
  },
  async echo(peer, bytes) {
    const stream = await (await mesh).open(peer, PROTOCOL.echo)
    const sent = new Uint8Array(bytes).map((_, index) => (index * 31) & 0xff)
    const writing = (async () => {
      const writer = stream.writable.getWriter()
      for (let at = 0; at < bytes; at += 65_536) await writer.write(sent.slice(at, at + 65_536))
      await writer.close()
    })()
    let at = 0
    const reader = stream.readable.getReader()
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const { value } = read
      if (value.some((byte, index) => byte !== sent[at + index])) throw new Error(`another byte after ${at}`)
      at += value.byteLength
    }
    await writing
    if (at !== bytes) throw new Error(`${at} bytes came back, not the ${bytes} that were sent`)
    return stream.path
  },
  async gone(peer) {
    const began = performance.now()
    const here = ({ id, path }: { readonly id: string; readonly path: string }) => id === peer && path !== 'away'
    while ((await mesh).peers.some(here)) {
      if (performance.now() - began > 60_000) throw new Error(`${peer} is still here`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return performance.now() - began
  },
  async allow(peer) {
    await (await mesh).policy.put({ id: 'foreign', who: [`peer:${peer}`], may: ['link.echo'], label: 'The foreign peer: test the path' })
  },
}

self.onmessage = async ({ data, ports }: MessageEvent) => {
  if (data === 'host') return void standIn.attach(toPort(ports[0] as MessagePort))
  const { id, name, args } = data as { id: number; name: keyof Commands; args: [never, never] }
  try {
    self.postMessage({ id, value: await commands[name](...args) })
  } catch (error) {
    self.postMessage({ id, error: `${(error as { code?: string }).code ?? ''} ${(error as Error).message}` })
  }
}
