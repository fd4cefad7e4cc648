/** Opens WebSockets at a relay as fast as asked, all from one network, and counts what comes back. Runs in the caller's process: the counts are what was reached, not what was asked. */
import { connect } from 'node:net'

export interface FloodOptions {
  readonly port: number
  /** New sockets a second. */
  readonly rate: number
  readonly seconds: number
  /** Loopback address they come from. */
  readonly localAddress: string
}

export interface FloodResult {
  readonly started: number
  /** Sockets started a second, as measured. */
  readonly rate: number
  /** By status line's number; 'cut' = ended without an answer, 'failed' = no connection. */
  readonly answers: Readonly<Record<string, number>>
}

const TICK_MS = 10
const MAX_OPEN = 8000 // sockets at once: below this process's descriptors

export async function flood({ port, rate, seconds, localAddress }: FloodOptions): Promise<FloodResult> {
  const answers: Record<string, number> = {}
  const open = new Set<import('node:net').Socket>()
  const note = (what: string) => (answers[what] = (answers[what] ?? 0) + 1)
  const start = () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    let told = false
    const tell = (what: string) => {
      if (told) return
      told = true
      note(what)
    }
    open.add(socket)
    socket.on('connect', () => socket.write(upgradeRequest(port)))
    socket.on('data', (data) => tell(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1] ?? 'other'))
    socket.on('error', () => tell(socket.connecting ? 'failed' : 'cut'))
    socket.on('close', () => {
      tell('cut')
      open.delete(socket)
    })
  }
  const began = performance.now()
  let started = 0
  while (performance.now() - began < seconds * 1000) {
    const due = Math.floor(((performance.now() - began) / 1000) * rate)
    while (started < due && open.size < MAX_OPEN) {
      start()
      started++
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  const took = (performance.now() - began) / 1000
  for (const socket of open) socket.destroy()
  return { started, rate: Math.round(started / took), answers }
}

function upgradeRequest(port: number): string {
  const lines = ['GET / HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  return `${[...lines, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='].join('\r\n')}\r\n\r\n`
}
