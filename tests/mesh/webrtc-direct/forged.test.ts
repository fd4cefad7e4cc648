/** Forged senders, each of another network, hold the places for networks that nobody proved; a peer whose network asked the front before gets through meanwhile. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { waitUntil } from '../../support/wait.ts'
import { addressOf, ECHO, exchange, ourNode } from './nodes.ts'
import { bindingRequest, openSender, type Sender } from './stun-flood.ts'

const V2 = 'libp2p+webrtc+v2/'

test('a flood from ever new networks keeps no proven network out, and holds each place for 1.3 s', async () => {
  const isProven = (host: string) => host.startsWith('127.0.0.')
  const { node, door } = await ourNode({ isProven, limits: { handshakes: 8, starts: 100_000, startsPerPrefix: 100_000 } })
  const address = addressOf(node)
  const port = Number(/udp\/(\d+)/.exec(address.toString())?.[1])
  const senders: Sender[] = []
  for (let i = 1; i <= 40; i++) senders.push(await openSender(port, `127.9.${i}.1`))
  const stop = new AbortController()
  let sent = 0
  const flood = (async () => {
    while (!stop.signal.aborted) {
      for (const sender of senders) await sender.send(bindingRequest(`${V2}${String(sent++).padStart(24, 'f')}:abcd`))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  try {
    await waitUntil(() => door.counters.limited > 100, { what: 'the places of unproven networks to be full' })
    assert.ok(door.pending() <= 4, `${door.pending()} of 8 places`)
    const { failed } = door.counters
    const dialer = await ourNode({ listen: [] })
    try {
      const connection = await dialer.node.dial(multiaddr(address.toString()), { signal: AbortSignal.timeout(4_000) })
      assert.deepEqual(await exchange(connection, ECHO, Uint8Array.of(7)), Uint8Array.of(7))
    } finally {
      await dialer.node.stop()
    }
    await waitUntil(() => door.counters.failed >= failed + 4, { ms: 3_000, what: 'forged handshakes to end in time' })
  } finally {
    stop.abort()
    await flood
    for (const sender of senders) sender.close()
    await node.stop()
  }
})

test('whoever forges a sender gets less than three times their bytes sent there', async () => {
  const { node, door } = await ourNode({ isProven: () => false })
  const port = Number(/udp\/(\d+)/.exec(addressOf(node).toString())?.[1])
  try {
    for (const username of [
      `${V2}${'g'.repeat(24)}:abcd`,
      `libp2p+webrtc+v1/${'h'.repeat(32)}:libp2p+webrtc+v1/${'h'.repeat(32)}`,
      'nothing:known',
    ]) {
      const socket = createSocket('udp4').bind(0, '127.0.0.1')
      await once(socket, 'listening')
      let [bytes, packets] = [0, 0]
      socket.on('message', (data) => {
        bytes += data.byteLength
        packets++
      })
      const request = bindingRequest(username)
      const { failed, malformed } = door.counters
      await new Promise((resolve) => socket.send(request, port, '127.0.0.1', resolve))
      await waitUntil(() => door.counters.failed + door.counters.malformed > failed + malformed, { what: 'the end of the handshake' })
      // The next check would come 1.5 s after the first: time that has to pass without one.
      await new Promise((resolve) => setTimeout(resolve, 700))
      assert.ok(bytes <= 3 * request.byteLength && packets <= 2, `${bytes} bytes in ${packets} packets for ${request.byteLength}`)
      socket.close()
    }
  } finally {
    await node.stop()
  }
})
