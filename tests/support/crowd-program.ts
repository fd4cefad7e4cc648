/** A crowd in a process of its own: many libp2p peers with one key each, dialling one relay from many loopback networks. Told what to do by its parent, one message a task. */
import { multiaddr } from '@multiformats/multiaddr'
import { WebSocket } from 'ws'
import { createRelayTransport } from '../../src/transports/relay/transport.ts'
import { createWebSocket } from '../../src/transports/websocket/transport.ts'
import type { CrowdAnswer, CrowdTask } from './crowd.ts'

const AT_ONCE = 16 // dials at once: enough to keep two cores busy
const DIAL_MS = 30_000

interface Member {
  leave(): Promise<void>
}

const members: Member[] = []
let born = 0

/** `network` picks the /24 that the socket comes from: 127.<n>.<m>.1. */
async function dial(task: CrowdTask & { readonly kind: 'join' | 'cycle' }, network: number): Promise<Member> {
  const { createLibp2p } = await import('libp2p')
  const { noise } = await import('@libp2p/noise')
  const { yamux } = await import('@libp2p/yamux')
  const localAddress = `127.${1 + (network >> 8)}.${network & 255}.1`
  const open = (url: string) => new WebSocket(url, { localAddress, perMessageDeflate: false }) as never
  const relay = createRelayTransport()
  const { factory } = createWebSocket({ open })
  const node = await createLibp2p({
    transports: [factory as never, relay.factory as never],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
  })
  const connection = await node.dial(multiaddr(task.address), { signal: AbortSignal.timeout(DIAL_MS) })
  if (task.reserve) await relay.reserve(connection.remotePeer.toString(), AbortSignal.timeout(DIAL_MS))
  return { leave: async () => void (await node.stop()) }
}

async function join(task: CrowdTask & { readonly kind: 'join' }): Promise<CrowdAnswer> {
  const failures: Record<string, number> = {}
  let left = task.count
  const work = async () => {
    while (left-- > 0) {
      await dial(task, task.network + (born++ % task.networks)).then(
        (member) => members.push(member),
        (error: Error) => (failures[error.message.slice(0, 160)] = (failures[error.message.slice(0, 160)] ?? 0) + 1),
      )
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { members: members.length, failures }
}

async function cycle(task: CrowdTask & { readonly kind: 'cycle' }): Promise<CrowdAnswer> {
  const failures: Record<string, number> = {}
  let left = task.count
  let done = 0
  const work = async () => {
    while (left-- > 0) {
      try {
        const member = await dial(task, task.network + (born++ % task.networks))
        await member.leave()
        done++
      } catch (error) {
        const text = String((error as Error).message).slice(0, 160)
        failures[text] = (failures[text] ?? 0) + 1
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { members: done, failures }
}

async function leave(): Promise<CrowdAnswer> {
  await Promise.all(members.splice(0).map((member) => member.leave()))
  return { members: 0, failures: {} }
}

process.on('message', (task: CrowdTask) => {
  const run = task.kind === 'leave' ? leave() : task.kind === 'join' ? join(task) : cycle(task)
  run.then(
    (answer) => process.send?.(answer),
    (error: Error) => process.send?.({ members: members.length, failures: { [error.message]: 1 } } satisfies CrowdAnswer),
  )
})
