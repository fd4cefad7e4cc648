/** mDNS packets: what is written is read, compressed names are followed and loops are not, and no bytes break the decoder. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_PACKET } from '../../../src/discovery/mdns/limits.ts'
import { decodePacket, encodeAnswer, encodeQuestion, SERVICE } from '../../../src/discovery/mdns/wire.ts'
import { codeOf } from '../../../src/shared/errors.ts'
import { FUZZ_RUNS, valueOrCode } from '../../support/fuzz.ts'

const INSTANCE = 'q'.repeat(32)
const ADDRESS = '/ip4/10.1.2.3/tcp/4001/p2p/12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'

describe('mDNS packets', () => {
  it('a question asks, an answer tells', () => {
    assert.deepEqual(decodePacket(encodeQuestion()), { asks: true, told: new Map() })
    const { asks, told } = decodePacket(encodeAnswer(INSTANCE, '10.1.2.3', [ADDRESS, ADDRESS]))
    assert.equal(asks, false)
    assert.deepEqual([...told], [[`${INSTANCE}.${SERVICE}`, [ADDRESS, ADDRESS]]])
  })

  it('an answer fits into one frame, whatever it is to tell', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 }), (addresses) => {
        const packet = encodeAnswer(INSTANCE, '10.1.2.3', addresses)
        assert.ok(packet.byteLength <= MAX_PACKET)
        decodePacket(packet)
      }),
    )
  })

  it('a name that points backwards is followed, one that points at itself or forwards is not', () => {
    // A question whose name is a pointer to a name behind the header, which follows as the second question's.
    const question = encodeQuestion()
    const twice = Uint8Array.from([...question, 0xc0, 12, 0, 12, 0, 1])
    twice[5] = 2
    assert.equal(decodePacket(twice).asks, true)
    for (const target of [question.byteLength, question.byteLength + 1, 0x3fff]) {
      const loop = Uint8Array.from(twice)
      loop[question.byteLength] = 0xc0 | (target >> 8)
      loop[question.byteLength + 1] = target & 0xff
      assert.throws(
        () => decodePacket(loop),
        (error) => codeOf(error) === 'BAD_FRAME',
      )
    }
  })

  it('no bytes break it: a packet, or BAD_FRAME', () => {
    const near = fc
      .tuple(
        fc.constantFrom(encodeQuestion(), encodeAnswer(INSTANCE, '10.1.2.3', [ADDRESS])),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }),
        fc.nat(),
      )
      .map(([packet, changes, cut]) => {
        const bytes = Uint8Array.from(packet)
        for (const [at, value] of changes) bytes[at % bytes.byteLength] = value
        return cut % 3 === 0 ? bytes.subarray(0, cut % bytes.byteLength) : bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), near), (bytes) => {
        const packet = valueOrCode(() => decodePacket(bytes), ['BAD_FRAME'])
        for (const addresses of packet?.told.values() ?? []) for (const address of addresses) assert.ok(address.length <= 255)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })
})
