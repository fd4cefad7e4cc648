/** Worker of the RTC tests, shared or dedicated: installs the stand-in, takes hosts, and runs what the page asks. */
import { toPort } from '../../../src/core/port.ts'
import { createStandIn } from '../../../src/transports/webrtc/stand-in.ts'
import { exchange, join } from './rtc-exchange.ts'

declare const self: { onconnect: unknown; name: string } & typeof globalThis
const native = 'RTCPeerConnection' in globalThis
const standIn = createStandIn()
standIn.install(globalThis)
const hosts = new Map<string, () => void>()
const events: { name: string; at: number }[] = []
const kept: unknown[] = []

async function run(command: string, args: unknown[]): Promise<unknown> {
  if (command === 'exposure') return { native, now: 'RTCPeerConnection' in globalThis, available: standIn.available() }
  if (command === 'exchange') return exchange(args[0] as number, args[1] as number | undefined)
  if (command === 'detach') return hosts.get(args[0] as string)?.()
  if (command === 'events') return events
  if (command === 'size') return standIn.size()
  if (command === 'hold') {
    const { a, channel } = await join()
    kept.push(a, channel)
    const note = (name: string) => events.push({ name, at: performance.timeOrigin + performance.now() })
    a.pc.addEventListener('connectionstatechange', () => note(`connection ${a.pc.connectionState}`))
    channel.addEventListener('error', (event) => note(`error ${(event as unknown as { error: { code: string } }).error.code}`))
    channel.addEventListener('close', () => note(`close ${channel.readyState}`))
    return channel.readyState
  }
  if (command === 'construct') {
    try {
      new RTCPeerConnection()
      return 'made'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  if (command === 'flood') return flood()
  if (command === 'stats') {
    const { a, b } = await join()
    const stats = [...(await a.pc.getStats()).values()].map(({ type }) => type)
    const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as EcKeyGenParams)
    const other = new RTCPeerConnection({ certificates: [certificate] })
    other.createDataChannel('', { negotiated: true, id: 0 })
    const { sdp = '' } = await other.createOffer()
    const result = { stats, max: a.pc.sctp?.maxMessageSize, fingerprints: certificate.getFingerprints(), sdp }
    for (const pc of [a.pc, b.pc, other]) pc.close()
    return result
  }
  throw new Error(`unknown command ${command}`)
}

async function flood(): Promise<unknown> {
  const { a, b, channel } = await join()
  let accepted = 0
  try {
    for (;;) {
      channel.send(new Uint8Array(16_384))
      accepted += 16_384
    }
  } catch (error) {
    a.pc.close()
    b.pc.close()
    return { accepted, code: (error as { code: string }).code }
  }
}

function serve(port: { onmessage: unknown; postMessage(message: unknown): void }): void {
  port.onmessage = async ({ data, ports }: MessageEvent) => {
    if (data.host) return void hosts.set(data.host, standIn.attach(toPort(ports[0] as MessagePort)))
    // As the bridge does: the page holds this lock for as long as it lives.
    if (data.lock) return void navigator.locks.request(data.lock, () => hosts.get(data.of)?.())
    const answer = await run(data.command, data.args).then(
      (value) => ({ id: data.id, value }),
      (error) => ({ id: data.id, error: String(error?.stack ?? error) }),
    )
    port.postMessage(answer)
  }
}

if ('onconnect' in self) self.onconnect = ({ ports }: MessageEvent) => serve(ports[0] as MessagePort)
else serve(self as never)
