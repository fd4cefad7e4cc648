/** The floor: errors across threads, bytes, deadlines, event bus, log levels. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { abortable, createSerial, singleFlight, sleep, withDeadline } from '../../../src/shared/async.ts'
import { createBus } from '../../../src/shared/bus.ts'
import { concat, equal, fromBase64url, fromHex, fromUtf8, toBase64url, toHex, toUtf8 } from '../../../src/shared/bytes.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { ERRORS } from '../../../src/shared/error-fixes.ts'
import { codeOf, errorFromWire, errorToWire, MeshError } from '../../../src/shared/errors.ts'
import { createLog } from '../../../src/shared/log.ts'
import { FUZZ_RUNS } from '../../support/fuzz.ts'

describe('errors', () => {
  it('errorFromWire keeps code, name and cause, never a stack', () => {
    const error = new MeshError('PATH_LOST', 'gone', { cause: new MeshError('TIMEOUT', 'late') })
    const wire = structuredClone(errorToWire(error))
    assert.ok(!JSON.stringify(wire).includes('at '))
    const back = errorFromWire(wire)
    assert.equal(back.code, 'PATH_LOST')
    assert.equal(back.name, ERRORS.PATH_LOST.name)
    assert.equal(codeOf(back.cause), 'TIMEOUT')
  })

  it('errorFromWire survives anything', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const error = errorFromWire(value)
        assert.ok(error.code in ERRORS && error.message.length <= 500)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('errorFromWire keeps one cause, however deep a peer nests them', () => {
    let wire: object = { code: 'TIMEOUT', message: 'innermost' }
    for (let depth = 0; depth < 100_000; depth++) wire = { code: 'TIMEOUT', message: String(depth), cause: wire }
    const error = errorFromWire(wire)
    assert.equal((error.cause as Error).message, '99998')
    assert.equal((error.cause as Error).cause, undefined)
  })

  it('codeOf knows DOMExceptions', () => {
    assert.equal(codeOf(new DOMException('x', 'AbortError')), 'ABORTED')
    assert.equal(codeOf(new DOMException('x', 'QuotaExceededError')), 'STORAGE_FULL')
    assert.equal(codeOf(null), 'INTERNAL')
  })
})

describe('bytes', () => {
  it('base64url and hex round-trip; foreign characters give undefined', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.ok(equal(fromBase64url(toBase64url(bytes)) as Uint8Array, bytes))
        assert.ok(equal(fromHex(toHex(bytes)) as Uint8Array, bytes))
        assert.ok(equal(concat([bytes, bytes]).subarray(bytes.length), bytes))
      }),
      { numRuns: FUZZ_RUNS },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (text, bytes) => {
        for (const got of [fromBase64url(text), fromHex(text)]) assert.ok(got === undefined || got.byteLength <= text.length)
        const utf8 = fromUtf8(bytes)
        assert.ok(utf8 === undefined || equal(toUtf8(utf8), bytes))
      }),
      { numRuns: FUZZ_RUNS },
    )
    for (const text of ['a', '+/', 'ab=']) assert.equal(fromBase64url(text), undefined)
    assert.equal(fromHex('0g'), undefined)
    assert.equal(fromUtf8(Uint8Array.of(0xff)), undefined)
    assert.equal(fromUtf8(toUtf8('é')), 'é')
  })
})

describe('async', () => {
  const clock = systemClock()

  it('withDeadline rejects with TIMEOUT and fires the signal of the work', async () => {
    let seen: AbortSignal | undefined
    const never = withDeadline(clock, 10, 'a test', undefined, (signal) => {
      seen = signal
      return new Promise(() => undefined)
    })
    await assert.rejects(never, (error) => codeOf(error) === 'TIMEOUT' && String(error).includes('a test'))
    assert.ok(seen?.aborted)
  })

  it('abortable and sleep end with their signal', async () => {
    const stop = new AbortController()
    const waits = [abortable(new Promise(() => undefined), stop.signal), sleep(clock, 60_000, stop.signal)]
    stop.abort()
    for (const wait of waits) await assert.rejects(wait, (error) => codeOf(error) === 'ABORTED')
  })

  it('singleFlight runs once for concurrent callers and anew afterwards', async () => {
    let runs = 0
    const work = singleFlight(async () => ++runs)
    assert.deepEqual(await Promise.all([work(), work()]), [1, 1])
    assert.equal(await work(), 2)
  })

  it('createSerial keeps order, goes on after a failure and refuses above its cap', async () => {
    const serial = createSerial(2)
    const order: number[] = []
    const first = serial(async () => {
      order.push(1)
      throw new Error('x')
    })
    const second = serial(async () => void order.push(2))
    await assert.rejects(
      serial(async () => undefined),
      (error) => codeOf(error) === 'LIMIT_REACHED',
    )
    await assert.rejects(first)
    await second
    assert.deepEqual(order, [1, 2])
  })
})

describe('bus', () => {
  type Events = { a: number; b: string }

  it('emit reaches subscribers and the wildcard; a throwing one stops nobody', async () => {
    const errors: string[] = []
    const bus = createBus<Events>({ onError: (type) => errors.push(type) })
    const got: unknown[] = []
    bus.on('a', () => {
      throw new Error('mine')
    })
    bus.on('a', (value) => got.push(value))
    bus.onAny((type, value) => got.push([type, value]))
    bus.emit('a', 1)
    bus.emit('b', 'x')
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(got, [1, ['a', 1], ['b', 'x']])
    assert.deepEqual(errors, ['a'])
    assert.deepEqual(bus.types(), ['a', 'b'])
  })

  it('events() that nobody reads keeps the newest and counts what was dropped', async () => {
    const bus = createBus<Events>({ capacity: 3 })
    const slow = bus.events('a')
    for (let i = 0; i < 10; i++) bus.emit('a', i)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([(await slow.next()).value, (await slow.next()).value, (await slow.next()).value], [7, 8, 9])
    assert.equal(slow.dropped, 7)
  })

  it('subscriptions end with their signal and leave nothing behind', async () => {
    const bus = createBus<Events>()
    const stop = new AbortController()
    bus.on('a', () => assert.fail('after its end'), { signal: stop.signal })
    bus.onAny(() => assert.fail('after its end'), { signal: stop.signal })
    const pulled = bus.events('b', { signal: stop.signal })
    stop.abort()
    bus.emit('a', 1)
    assert.equal((await pulled.next()).done, true)
    assert.equal(bus.size(), 0)
  })
})

describe('log', () => {
  it('levels are per subsystem and change while running', () => {
    const lines: string[] = []
    const control = createLog((_level, event) => lines.push(event), { '*': 'warn' })
    control.log('relay.up', {}, 'info')
    control.setLevel('relay', 'debug')
    control.log('relay.up', {}, 'debug')
    control.log('mesh.up', {}, 'info')
    assert.deepEqual(lines, ['relay.up'])
  })
})
