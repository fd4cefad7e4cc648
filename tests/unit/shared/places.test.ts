/** Places shared by prefix: who gives way, and that whoever proves itself in time always gets through. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPlaces } from '../../../src/shared/places.ts'

test('createPlaces lets the one that waits longest give way, of the own prefix first', () => {
  const places = createPlaces<string>({ all: 100, perPrefix: 2 })
  assert.equal(places.enter('a1', 'a'), undefined)
  assert.equal(places.enter('b1', 'b'), undefined)
  assert.equal(places.enter('a2', 'a'), undefined)
  assert.equal(places.enter('a3', 'a'), 'a1')
  assert.equal(places.enter('a2', 'a'), undefined, 'entering again makes it the newest')
  assert.equal(places.enter('a4', 'a'), 'a3')
  places.leave('a1')
  assert.equal(places.size(), 3)
})

test('createPlaces takes from the largest prefix when all are taken', () => {
  const places = createPlaces<string>({ all: 6, perPrefix: 4 })
  for (const item of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']) places.enter(item, item.slice(0, 1))
  places.enter('a4', 'a')
  assert.deepEqual(
    ['c1', 'c2'].map((item) => places.enter(item, 'c')),
    ['a2', 'b1'],
  )
  assert.equal(places.size(), 6)
})

test('createPlaces keeps whoever leaves within a moment, whatever the flood', () => {
  const places = createPlaces<number>({ all: 512, perPrefix: 64 })
  const cut = new Set<number | undefined>()
  let got = 0
  for (let i = 0; i < 20_000; i++) {
    cut.add(places.enter(i, `flood ${i % 100}`))
    if (i % 50 !== 0) continue
    cut.add(places.enter(-1 - i, 'home'))
    for (let more = 0; more < 20; more++) cut.add(places.enter(100_000 + i * 20 + more, `flood ${more}`))
    if (!cut.has(-1 - i)) got++
    places.leave(-1 - i)
  }
  assert.equal(got, 400)
  assert.equal(places.size(), 512)
})
