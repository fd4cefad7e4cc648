/** go-libp2p as published meets the mesh of a real Chromium: dialled over WebSocket and webrtc-direct v2 by the page's worker, and both ways through our hop. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright'
import type { ForeignPeer } from '../interop/foreign-peer.ts'
import { buildGoPeer, goMissing, startGoPeer } from '../interop/go-peer.ts'
import { type Chromium, startChromium } from '../support/browser.ts'
import { type PageServer, startPageServer } from '../support/page-server.ts'
import { siteOfRelay } from '../support/site-of-relay.ts'
import { startTestRelay } from '../support/test-relay.ts'
import type { Commands } from './commands.ts'

const MUCH = 3 * 1024 * 1024

declare const interop: { ask(name: string, args: readonly unknown[]): Promise<unknown> }

describe('go-libp2p and a mesh in Chromium', { skip: goMissing(), timeout: 600_000 }, () => {
  let relay: Awaited<ReturnType<typeof startTestRelay>>
  let server: PageServer
  let chromium: Chromium
  let page: Page
  let go: ForeignPeer
  let me: string

  const ask = <K extends keyof Commands>(name: K, ...args: Parameters<Commands[K]>): ReturnType<Commands[K]> =>
    page.evaluate(([what, given]) => interop.ask(what, given), [name, args] as const) as ReturnType<Commands[K]>
  const at = (addresses: readonly string[], part: string) => addresses.find((one) => one.includes(part)) as string

  before(async () => {
    await buildGoPeer()
    go = await startGoPeer({ listen: ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/udp/0/webrtc-direct'] })
    relay = await startTestRelay()
    server = await startPageServer({
      entries: { page: 'tests/interop-browser/pages/mesh.page.ts' },
      // The page's own origin names the relay, as it does in the product.
      route: siteOfRelay(relay.port),
    })
    // What Chromium makes the rule: a page that writes its own ICE credentials into SDP, as v1 does, is refused.
    chromium = await startChromium({ args: ['--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/'] })
    page = (await chromium.browser.contexts()[0]?.newPage()) as Page
    await page.goto(server.origin)
    await page.waitForFunction('globalThis.interop')
    me = await ask('join')
  })
  after(async () => {
    await chromium?.close()
    await Promise.all([go?.close(), server?.close(), relay?.end()])
  })

  for (const [part, version] of [
    ['/ws', 0],
    ['/webrtc-direct', 2],
  ] as const)
    it(`the page dials it over ${part} and gets every byte back`, async () => {
      assert.equal(await ask('connect', at(go.addresses, part)), version)
      assert.equal(await ask('echo', go.peer, MUCH), 'direct')
      await go.hangUp(me)
      const ms = await ask('gone', go.peer)
      assert.ok(ms < 2_000, `the page noticed after ${Math.round(ms)} ms`)
    })

  it('both reach each other through our hop', async () => {
    await go.dial(at(relay.addresses, '/ws'))
    await go.reserve(at(relay.addresses, '/ws'))
    assert.equal(await ask('echo', go.peer, MUCH), 'relayed')
    await go.hangUp(me)
    await ask('allow', go.peer)
    await go.dial(`${at(relay.addresses, '/ws')}/p2p-circuit/p2p/${me}`)
    await go.echo(me, MUCH, { limited: true })
  })
})
