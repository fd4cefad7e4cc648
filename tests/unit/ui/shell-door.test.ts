/** What the service worker does with a request: a table, and no request that lets a peer's content act on the app's origin. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type DoorRequest, doorFor } from '../../../src/ui/shell-door.ts'

const ORIGIN = 'http://dmesh.localhost:8080'
const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)
const ask = (path: string, part: Partial<DoorRequest> = {}) =>
  doorFor({ url: new URL(path, ORIGIN).href, method: 'GET', mode: 'cors', destination: '', ...part }, ORIGIN)
const navigate = { mode: 'navigate', destination: 'document' } as const

describe('doorFor', () => {
  it('answers each kind of request in its own way', () => {
    assert.equal(ask('/', navigate).kind, 'shell')
    assert.equal(ask('/?x=1', navigate).kind, 'shell')
    assert.equal(ask('/settings', navigate).kind, 'page')
    assert.equal(ask('/assets/main.js', { destination: 'script' }).kind, 'file')
    for (const path of ['/.well-known/dmesh.json', '/healthz', '/readyz', '/build.json', '/sw.js']) assert.equal(ask(path).kind, 'pass', path)
    assert.equal(ask('https://other.example/p2p/x').kind, 'pass')
    assert.equal(ask('/', { method: 'POST', ...navigate }).kind, 'pass')
    assert.equal(ask('/p2pfoo', navigate).kind, 'page')
  })

  it('refuses 403 for everything that could act, 503 for what may only be read', () => {
    const destinations = fc.constantFrom(
      '',
      'image',
      'audio',
      'video',
      'track',
      'document',
      'iframe',
      'frame',
      'script',
      'worker',
      'sharedworker',
      'serviceworker',
      'style',
      'font',
      'object',
      'embed',
      'manifest',
      'xslt',
      'report',
      'future',
    )
    const request = fc.record({
      root: fc.constantFrom('p2p', 'ipfs', 'ipns'),
      rest: fc.webPath(),
      method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE'),
      mode: fc.constantFrom('navigate', 'cors', 'no-cors', 'same-origin', 'websocket'),
      destination: destinations,
    })
    fc.assert(
      fc.property(request, ({ root, rest, method, mode, destination }) => {
        const url = new URL(`/${root}/x${rest}`, ORIGIN)
        if (!url.pathname.startsWith(`/${root}/`)) return
        const door = doorFor({ url: url.href, method, mode, destination }, ORIGIN)
        assert.equal(door.kind, 'refuse')
        const passive =
          mode !== 'navigate' && (method === 'GET' || method === 'HEAD') && ['', 'image', 'audio', 'video', 'track'].includes(destination)
        assert.equal(door.kind === 'refuse' && door.status, passive ? 503 : 403)
      }),
      { numRuns },
    )
  })
})
