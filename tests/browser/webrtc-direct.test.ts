/** Real Chromium dials the listener: v2 with SDP munging allowed and forbidden, v1 and the stock transport where it is allowed; and asks our STUN responder. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Libp2p } from 'libp2p'
import type { Page } from 'playwright'
import { createStunServer } from '../../relay-server/stun/server.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'
import { addressOf, type OurNode, ourNode, stockNode } from '../mesh/webrtc-direct/nodes.ts'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { waitUntil } from '../support/wait.ts'
import type { DialOptions, DialResult } from './pages/webrtc-direct.page.ts'

declare const direct: { run(address: string, options?: DialOptions): Promise<DialResult> }

const NO_MUNGING = '--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/'

let server: PageServer
let ours: OurNode
let stock: Libp2p
before(async () => {
  ;[server, ours, stock] = await Promise.all([
    startPageServer({ entries: { page: 'tests/browser/pages/webrtc-direct.page.ts' } }),
    ourNode(),
    stockNode(),
  ])
})
after(() => Promise.all([server?.close(), ours?.node.stop(), stock?.stop()]))

async function open(chromium: Chromium): Promise<Page> {
  const page = (await chromium.browser.contexts()[0]?.newPage()) as Page
  await page.goto(server.origin)
  await page.waitForFunction('globalThis.direct')
  return page
}

const dial = (page: Page, to: Libp2p, options: DialOptions = {}) =>
  page.evaluate(([address, each]) => direct.run(address, each), [addressOf(to).toString(), options] as const)

test('munging allowed: v2 by default, v1 on demand, stock both ways', async () => {
  const chromium = await startChromium()
  try {
    const page = await open(chromium)
    for (const [options, to, version] of [
      [{}, ours.node, 2],
      [{ versions: [2] }, ours.node, 2],
      [{ versions: [1] }, ours.node, 1],
      [{ standIn: true }, ours.node, 2],
      [{ stock: true }, ours.node, 1],
      [{}, stock, 1],
    ] as const) {
      const result = await dial(page, to, { ...options, upload: 1_048_576 })
      assert.deepEqual([result.version, result.echoed, result.received], [version, true, 1_048_576])
    }
  } finally {
    await chromium.close()
  }
})

test('munging forbidden: v2 works, v1 is refused by the browser, the stock transport cannot dial at all', async () => {
  const chromium = await startChromium({ args: [NO_MUNGING] })
  try {
    const page = await open(chromium)
    const result = await dial(page, ours.node, { upload: 1_048_576 })
    assert.deepEqual([result.version, result.echoed, result.received], [2, true, 1_048_576])
    await assert.rejects(dial(page, ours.node, { versions: [1] }), /SDP is modified/)
    await assert.rejects(dial(page, ours.node, { stock: true }), /SDP is modified/)
    await assert.rejects(dial(page, stock), /no answer to version 2/)
  } finally {
    await chromium.close()
  }
})

test('a page that does not read what a listener floods it with cuts the stream with LIMIT_REACHED and keeps the connection', async () => {
  const chromium = await startChromium()
  try {
    const page = await open(chromium)
    for (const standIn of [false, true]) assert.equal((await dial(page, ours.node, { standIn, neverRead: true })).cut, 'LIMIT_REACHED')
  } finally {
    await chromium.close()
  }
})

test('Chromium takes an address from our STUN responder', async () => {
  const stun = await createStunServer({ listen: [{ host: '127.0.0.1', port: 0 }], clock: systemClock(), log: silentLog() })
  const chromium = await startChromium({ args: ['--allow-loopback-in-peer-connection'] })
  try {
    const page = await open(chromium)
    await page.evaluate(async (port) => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] })
      peer.createDataChannel('')
      await peer.setLocalDescription()
      Object.assign(globalThis, { peer })
    }, stun.addresses[0]?.port)
    await waitUntil(() => stun.counters.answered > 0, { ms: 10_000, what: 'a Binding request of Chromium' })
    assert.equal(stun.counters.malformed, 0)
  } finally {
    await chromium.close()
    await stun.close()
  }
})
