/** Bytes of /dmesh/webrtc/1.0.0, the signalling of one connection: varint length | JSON, each at most MAX_SIGNAL_FRAME. Pure; accepts nothing it does not know. */
import * as v from 'valibot'
import { fromUtf8, toUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { MAX_SIGNAL_FRAME } from './limits.ts'

const text = v.pipe(v.string(), v.maxLength(MAX_SIGNAL_FRAME))
const candidate = v.strictObject({
  candidate: text,
  sdpMid: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
  sdpMLineIndex: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)))),
  usernameFragment: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256)))),
})

const schema = v.variant('t', [
  v.strictObject({ t: v.literal('offer'), sdp: text }),
  v.strictObject({ t: v.literal('answer'), sdp: text }),
  v.strictObject({ t: v.literal('candidate'), candidate }),
])

export type Signal = v.InferOutput<typeof schema>

/** Without the length that goes before it. */
export function encodeSignal(signal: Signal): Uint8Array<ArrayBuffer> {
  return toUtf8(JSON.stringify(signal))
}

/** BAD_FRAME. */
export function decodeSignal(frame: Uint8Array): Signal {
  const result = v.safeParse(schema, parse(fromUtf8(frame)))
  if (!result.success) throw new MeshError('BAD_FRAME', `signalling: ${result.issues[0].message}`)
  return result.output
}

function parse(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? '')
  } catch (cause) {
    throw new MeshError('BAD_FRAME', 'signalling is not JSON', { cause })
  }
}
