/** The snapshot: up to date for whoever reads it, told once a frame to those who listen. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MeshEvents } from '../../../src/core/mesh.ts'
import type { PathAttempt } from '../../../src/core/path.ts'
import type { PresenceEntry } from '../../../src/core/protocol.ts'
import { createSnapshot, type SnapshotSources } from '../../../src/mesh/snapshot.ts'
import { createBus } from '../../../src/shared/bus.ts'
import type { Clock } from '../../../src/shared/clock.ts'

function setUp() {
  const entries: PresenceEntry[] = []
  const none: PathAttempt[] = []
  const tasks: (() => void)[] = []
  const clock: Clock = {
    now: () => 1,
    monotonic: () => 1,
    after(_, task) {
      tasks.push(task)
      return () => undefined
    },
  }
  const bus = createBus<MeshEvents>()
  const heard: string[] = []
  bus.on('statechange', ({ peers }) => heard.push(`state of ${peers.length}`))
  bus.on('peerchange', ({ name }) => heard.push(name))
  const sources = {
    links: { peers: () => [], best: () => undefined },
    connector: { attempts: () => none },
    entries: () => entries,
    petname: () => undefined,
    isRelay: () => false,
    rest: () => ({ relays: [] }),
    stopped: () => false,
    me: 'me',
  } as unknown as SnapshotSources
  const snapshot = createSnapshot(sources, bus, clock)
  const come = (name: string) => entries.push({ peer: name, name, kind: 'cli', seen: 1, relay: 'r', here: true, meshes: ['lobby'] })
  /** Listeners hear in microtasks of their own. */
  const frame = async () => {
    for (const task of tasks.splice(0)) task()
    await new Promise(setImmediate)
  }
  return { snapshot, come, frame, heard, waiting: () => tasks.length }
}

describe('the snapshot', () => {
  it('holds what changed before the frame is over, for whoever reads it', () => {
    const { snapshot, come } = setUp()
    come('Ana')
    snapshot.touch()
    assert.deepEqual(
      snapshot.current().peers.map(({ name }) => name),
      ['Ana'],
    )
    assert.equal(snapshot.current(), snapshot.current(), 'one object until the next change')
    assert.deepEqual(snapshot.peers(), [], 'as of the last frame')
  })

  it('tells listeners once a frame, and of each peer once, read in between or not', async () => {
    const { snapshot, come, frame, heard, waiting } = setUp()
    come('Ana')
    snapshot.touch()
    snapshot.touch()
    snapshot.current()
    assert.equal(waiting(), 1)
    await frame()
    assert.deepEqual(heard, ['Ana', 'state of 1'])
    snapshot.touch()
    await frame()
    assert.deepEqual(heard, ['Ana', 'state of 1', 'state of 1'])
  })

  it('misses nothing that changes between a touch and its frame', async () => {
    const { snapshot, come, frame, heard } = setUp()
    snapshot.touch()
    snapshot.current()
    come('Ben')
    await frame()
    assert.deepEqual(heard, ['Ben', 'state of 1'])
    assert.equal(snapshot.current().peers.length, 1)
  })
})
