/** The meter of round trips: thousands of connections leave nothing behind on the signal that all of them share, and a closed one is watched no more. */
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import { createRttMeter } from '../../../src/mesh/rtt.ts'
import type { Clock } from '../../../src/shared/clock.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { waitUntil } from '../../support/wait.ts'

it('watching 200 connections puts no listeners on the shared signal, and their timers end with them', async () => {
  let timers = 0
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after() {
      timers++
      let live = true
      return () => {
        if (live) timers--
        live = false
      }
    },
  }
  const stop = new AbortController()
  const meter = createRttMeter({ clock, log: silentLog(), measured: () => undefined, signal: stop.signal })
  const connections = Array.from({ length: 200 }, () =>
    Object.assign(new EventTarget(), {
      status: 'open',
      remotePeer: { toString: () => 'peer' },
      newStream: () => Promise.reject(Object.assign(new Error('no ping'), { name: 'UnsupportedProtocolError' })),
    }),
  )
  for (const connection of connections) meter.watch(connection as unknown as Connection)
  await waitUntil(() => timers === connections.length, { what: 'each to wait for its next turn' })
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  for (const connection of connections) {
    connection.status = 'closed'
    connection.dispatchEvent(new Event('close'))
  }
  await waitUntil(() => timers === 0, { what: 'no timer to be left' })
})
