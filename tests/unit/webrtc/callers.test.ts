/** How many WebRTC connections one peer may make us hold: it must not take all that a host has. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { MAX_CONNECTIONS, MAX_INBOUND, MAX_PER_PEER } from '../../../src/transports/webrtc/limits.ts'
import { createWebRtc } from '../../../src/transports/webrtc/transport.ts'
import { FOREIGN, PROTOCOL } from '../../../src/wire/ids.ts'

const before = Object.getOwnPropertyDescriptor(globalThis, 'RTCPeerConnection')
let made = 0

beforeEach(() => {
  made = 0
  const connect = () => {
    made++
    return Object.assign(new EventTarget(), { connectionState: 'new', createDataChannel: () => new EventTarget(), close: () => undefined })
  }
  Object.defineProperty(globalThis, 'RTCPeerConnection', { configurable: true, value: new Proxy(class {}, { construct: connect }) })
})
afterEach(() => {
  if (before) Object.defineProperty(globalThis, 'RTCPeerConnection', before)
  else Reflect.deleteProperty(globalThis, 'RTCPeerConnection')
})

/** A started transport of a mesh that has `live` connections to everybody, and the handlers it registered. */
async function start(live: number) {
  const handlers = new Map<string, StreamHandler>()
  const logger = { forComponent: () => Object.assign(() => undefined, { error: () => undefined, trace: () => undefined }) }
  const components = {
    registrar: { handle: async (protocol: string, handler: StreamHandler) => void handlers.set(protocol, handler) },
    connectionManager: { getConnections: () => Array.from({ length: live }, () => ({ remoteAddr: '/webrtc/p2p/x' })) },
    upgrader: { createInboundAbortSignal: () => Object.assign(new AbortController().signal, { clear: () => undefined }) },
    ...{ logger, events: new EventTarget(), peerId: {}, transportManager: {} },
  }
  const build = createWebRtc({ clock: systemClock(), iceServers: () => [] }).factory as (given: object) => { start(): Promise<void> }
  await build(components).start()
  return handlers
}

/** A stream on which the caller never says anything. */
function silent() {
  const stream = Object.assign(new EventTarget(), { aborted: '', status: 'open', readStatus: 'readable', log: () => undefined })
  return Object.assign(stream, { abort: (error: unknown) => void (stream.aborted = codeOf(error)) })
}

const from = (peer: string) => ({ remotePeer: { toString: () => peer } }) as unknown as Connection

it('a peer that calls again and again is refused above the cap, others are not', async () => {
  const serve = (await start(0)).get(PROTOCOL.webrtc) as StreamHandler
  const refused = () => serve(silent() as unknown as Stream, from('mallory'))
  for (let i = 0; i < MAX_PER_PEER; i++) void serve(silent() as unknown as Stream, from('mallory'))
  assert.equal(made, MAX_PER_PEER)
  await assert.rejects(
    async () => refused(),
    (error) => codeOf(error) === 'LIMIT_REACHED',
  )
  void serve(silent() as unknown as Stream, from('alice'))
  assert.equal(made, MAX_PER_PEER + 1)
})

it('however many keys call, their calls together leave room for ours', async () => {
  const serve = (await start(0)).get(PROTOCOL.webrtc) as StreamHandler
  for (let i = 0; i < MAX_INBOUND; i++) void serve(silent() as unknown as Stream, from(`sybil ${i}`))
  await assert.rejects(
    async () => serve(silent() as unknown as Stream, from('one more')),
    (error) => codeOf(error) === 'LIMIT_REACHED',
  )
  assert.equal(made, MAX_INBOUND)
  assert.ok(MAX_INBOUND <= MAX_CONNECTIONS - 32)
})

it('connections that stand count, by the stock way of signalling too', async () => {
  const handlers = await start(MAX_PER_PEER)
  await assert.rejects(
    async () => (handlers.get(PROTOCOL.webrtc) as StreamHandler)(silent() as unknown as Stream, from('mallory')),
    (error) => codeOf(error) === 'LIMIT_REACHED',
  )
  const stock = silent()
  await (handlers.get(FOREIGN.webrtcSignalling) as StreamHandler)(stock as unknown as Stream, from('mallory'))
  assert.equal(stock.aborted, 'LIMIT_REACHED')
  assert.equal(made, 0)
})
