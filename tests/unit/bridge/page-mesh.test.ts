/** The page's mesh over changing workers: what fails, what waits, what comes back. And the switches. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareBuilds } from '../../../src/bridge/door-api.ts'
import { createPageMesh, type MeshSession } from '../../../src/bridge/page-mesh.ts'
import { readSwitches, readWorkerName, workerName } from '../../../src/bridge/switches.ts'
import { createLazyHttp } from '../../../src/protocols/http/lazy.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { silentLog } from '../../../src/shared/log.ts'
import { createFakeMesh } from '../../support/fake-mesh.ts'
import { waitUntil } from '../../support/wait.ts'

function workers() {
  const live: { readonly gone: AbortController; readonly name: string }[] = []
  let refuse: MeshError | undefined
  const connect = async (): Promise<MeshSession> => {
    if (refuse) throw refuse
    const gone = new AbortController()
    const name = `worker ${live.length + 1}`
    live.push({ gone, name })
    return { mesh: createFakeMesh(name), gone: gone.signal }
  }
  return {
    live,
    connect,
    refuse: (error: MeshError | undefined) => (refuse = error),
    kill: () => live.at(-1)?.gone.abort(new MeshError('WORKER_GONE', 'dead')),
  }
}
const ground = { clock: systemClock(), log: silentLog() }
const parts = { ...ground, random: () => 1, http: createLazyHttp(ground) }

describe('createPageMesh', () => {
  it('goes on with the next worker: events, handlers and calls', async () => {
    const { connect, kill } = workers()
    const mesh = await createPageMesh({ ...parts, connect })
    assert.equal(mesh.state.name, 'worker 1')
    const seen: string[] = []
    mesh.addEventListener('statechange', ({ detail }) => seen.push(`${detail.status} ${detail.name}`))
    await mesh.handle('/x/mine/1.0.0', (stream) => stream.readable.pipeTo(stream.writable))
    kill()
    assert.equal(mesh.state.status, 'starting')
    const stream = await mesh.open('fake-peer', '/x/mine/1.0.0')
    assert.equal(stream.protocol, '/x/mine/1.0.0')
    stream.abort()
    assert.equal(mesh.state.name, 'worker 2')
    await mesh.rename('renamed')
    await waitUntil(() => seen.includes('relayed renamed'), { what: 'an event of the new worker' })
    assert.ok(seen.includes('starting worker 1'))
    await mesh.close()
    await assert.rejects(mesh.ping('fake-peer'), (error) => codeOf(error) === 'CLOSED')
  })

  it('rejects when the first worker cannot be reached, and says UNKNOWN_VERSION for ever after a newer one came', async () => {
    const { connect, kill, refuse } = workers()
    refuse(new MeshError('STORAGE_FAILED', 'private browsing'))
    await assert.rejects(createPageMesh({ ...parts, connect }), (error) => codeOf(error) === 'STORAGE_FAILED')
    refuse(undefined)
    const mesh = await createPageMesh({ ...parts, connect })
    refuse(new MeshError('UNKNOWN_VERSION', 'newer'))
    kill()
    await assert.rejects(mesh.ping('fake-peer'), (error) => codeOf(error) === 'UNKNOWN_VERSION')
    assert.equal(mesh.state.status, 'stopped')
  })
})

describe('switches', () => {
  const scope = { SharedWorker: 1, RTCPeerConnection: 1, navigator: { locks: {}, serviceWorker: {} } }

  it('readSwitches() takes features away, never adds any, and ignores unknown words', () => {
    assert.deepEqual(readSwitches({ scope }), { sharedWorker: true, webLocks: true, webRtc: true, serviceWorker: true })
    assert.equal(readSwitches({ scope, search: '?off=webRtc, nonsense' }).webRtc, false)
    assert.equal(readSwitches({ scope, stored: 'webLocks,sharedWorker' }).sharedWorker, false)
    assert.equal(readSwitches({ scope: {} }).sharedWorker, false)
  })

  it('workerName() makes page and worker use the same kind of locks', () => {
    for (const off of ['', 'webLocks', 'webRtc,webLocks', 'sharedWorker']) {
      const switches = readSwitches({ scope, search: `?off=${off}` })
      assert.equal(readWorkerName(workerName(switches, scope), scope).webLocks, switches.webLocks, off)
    }
    assert.equal(workerName(readSwitches({ scope }), scope), 'mesh')
  })

  it('compareBuilds() lets only a fresh page end another worker', () => {
    assert.equal(compareBuilds('a', 'a', true), 'same')
    assert.equal(compareBuilds('a', 'b', true), 'page is newer')
    assert.equal(compareBuilds('a', 'b', false), 'worker is newer')
  })
})
