/** Page of the bridge tests: connects as the product does and gives the tests its mesh as `globalThis.bridge`. */
import { connectPage, type PageMesh } from '../../../src/bridge/connect.page.ts'
import { readSwitches } from '../../../src/bridge/switches.ts'
import type { PeerStream } from '../../../src/core/peer-stream.ts'
import { createLazyHttp } from '../../../src/protocols/http/lazy.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { serveRtcHost } from '../../../src/transports/webrtc/host.page.ts'

let worker: Worker | undefined

function connect(): Promise<PageMesh> {
  const query = new URLSearchParams(location.search)
  return connectPage({
    switches: readSwitches({ search: location.search, scope: globalThis }),
    build: query.get('build') ?? 'build-1',
    openSharedWorker: (name) => new SharedWorker('/bridge.js', { type: 'module', name, extendedLifetime: true } as WorkerOptions),
    openWorker: (name) => (worker = new Worker('/bridge.js', { type: 'module', name })),
    serveRtc: (port) => serveRtcHost({ port, log: () => undefined }),
    clock: systemClock(),
    log: silentLog(),
    http: createLazyHttp({ clock: systemClock(), log: silentLog() }),
  })
}

const codeOf = (error: { code?: string }) => error.code ?? String(error)
const ready = connect()
ready.catch(() => undefined)
const held: PeerStream[] = []

async function ask(protocol: string): Promise<string> {
  const stream = await (await ready).open('fake-peer', protocol)
  await stream.writable.close()
  return new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).text()
}

const api = {
  ready: () => ready.then((mesh) => ({ name: mesh.state.name, host: mesh.host, status: mesh.state.status }), codeOf),
  name: async () => (await ready).state.name,
  elected: async () => (await ready).elected,
  status: async () => (await ready).state.status,
  ask: (protocol: string) => ask(protocol).catch(codeOf),
  async echo(size: number) {
    const stream = await (await ready).open('fake-peer', '/fake/echo/1.0.0')
    const source = new Uint8Array(size)
    crypto.getRandomValues(source.subarray(0, 65_536))
    const start = performance.now()
    const writing = new Blob([source]).stream().pipeTo(stream.writable)
    const back = new Uint8Array(await new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
    await writing
    const sha = async (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).join()
    return { same: (await sha(source)) === (await sha(back)), ms: performance.now() - start }
  },
  async fail(peer: string) {
    return (await ready).open(peer, '/fake/echo/1.0.0').then(
      () => 'opened',
      (error) => ({ code: error.code, name: error.name, cause: error.cause?.code }),
    )
  },
  /** Ends the worker under a call that never answers and under an open stream. */
  async killWhileWaiting(how: 'terminate' | 'close') {
    const mesh = await ready
    const waiting = mesh.open('never', '/x', { signal: AbortSignal.timeout(20_000) }).catch(codeOf)
    const stream = await mesh.open('fake-peer', '/fake/echo/1.0.0')
    const reading = stream.readable.getReader().read().catch(codeOf)
    const closed = stream.closed.catch(codeOf)
    const start = performance.now()
    if (how === 'terminate') worker?.terminate()
    else void mesh.open('fake-peer', '/fake/die/1.0.0').catch(() => undefined)
    const codes = await Promise.all([waiting, reading, closed])
    return { codes, ms: performance.now() - start }
  },
  async pour() {
    held.push(await (await ready).open('fake-peer', '/fake/pour/1.0.0'))
  },
  async drainPoured() {
    const reader = held[0]?.readable.getReader()
    let bytes = 0
    while (bytes < 4 * 1024 * 1024) bytes += (await reader?.read())?.value?.byteLength ?? 0
    held[0]?.abort()
    return bytes
  },
  async file() {
    const mesh = await ready
    const offered = await mesh.files.offer('fake-peer', new File(['hello file'], 'a.txt'))
    return [offered, await (await mesh.files.open('some')).text()]
  },
  async events() {
    const mesh = await ready
    const seen: string[] = []
    const stop = new AbortController()
    mesh.addEventListener('message', ({ detail }) => seen.push(new TextDecoder().decode(detail.data)), { signal: stop.signal })
    await mesh.send('fake-peer', 'a', 'one')
    await mesh.send('fake-peer', 'b', new TextEncoder().encode('two'))
    await mesh.ping('fake-peer')
    stop.abort()
    await mesh.send('fake-peer', 'c', 'three')
    await mesh.ping('fake-peer')
    return seen
  },
  async handle() {
    await (await ready).handle('/page/shout/1.0.0', async (stream) => {
      const text = await new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).text()
      const writer = stream.writable.getWriter()
      await writer.write(new TextEncoder().encode(`${text.toUpperCase()} from ${location.search}`))
      await writer.close()
    })
  },
  async shout(text: string) {
    const stream = await (await ready).open('fake-peer', '/page/shout/1.0.0')
    const writer = stream.writable.getWriter()
    await writer.write(new TextEncoder().encode(text))
    await writer.close()
    return new Response(stream.readable as ReadableStream<Uint8Array<ArrayBuffer>>).text()
  },
  rename: async (name: string) => (await ready).rename(name),
  close: async () => (await ready).close(),
}

export type BridgeApi = typeof api
Object.assign(globalThis, { bridge: api })
