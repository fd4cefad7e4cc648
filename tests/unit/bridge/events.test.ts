/** What waits for a page that does not answer is bounded, and of snapshots only the newest waits. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EVENTS_IN_FLIGHT, EVENTS_WAITING } from '../../../src/bridge/limits.ts'
import type { AnyMeshEvent, PublicationPush } from '../../../src/bridge/mesh-api.ts'
import { createEventQueue } from '../../../src/bridge/serve-mesh.ts'

const message = (id: string) => ({ type: 'message', detail: { id } }) as unknown as AnyMeshEvent
const snapshot = (name: string) => ({ type: 'statechange', detail: { name } }) as unknown as AnyMeshEvent
const idOf = (event: AnyMeshEvent | PublicationPush) =>
  (event.detail as unknown as { id?: string; name?: string }).id ?? (event.detail as unknown as { name: string }).name

describe('event queue', () => {
  it('sends at most EVENTS_IN_FLIGHT without an answer, keeps EVENTS_WAITING, drops the oldest above', () => {
    const sent: string[] = []
    const queue = createEventQueue((_, event) => sent.push(idOf(event)))
    const count = EVENTS_IN_FLIGHT + EVENTS_WAITING + 5
    for (let i = 0; i < count; i++) queue.add(message(`${i}`))
    assert.equal(sent.length, EVENTS_IN_FLIGHT)
    assert.equal(queue.dropped(), 5)
    for (let acked = 0; acked < sent.length; ) {
      acked = sent.length
      queue.acknowledge(acked)
    }
    assert.equal(sent.length, count - 5)
    assert.equal(sent.at(EVENTS_IN_FLIGHT), `${EVENTS_IN_FLIGHT + 5}`, 'the oldest waiting ones went')
    assert.equal(sent.at(-1), `${count - 1}`)
  })

  it('has one snapshot on its way and sends the newest after it', () => {
    const sent: string[] = []
    const queue = createEventQueue((_, event) => sent.push(idOf(event)))
    for (const name of ['one', 'two', 'three']) queue.add(snapshot(name))
    assert.deepEqual(sent, ['one'])
    queue.acknowledge(1)
    assert.deepEqual(sent, ['one', 'three'])
    queue.acknowledge(2)
    queue.acknowledge(99)
    queue.add(snapshot('four'))
    assert.deepEqual(sent, ['one', 'three', 'four'], 'an answer to what was never sent counts for nothing')
  })
})
