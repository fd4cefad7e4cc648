/** Frames of /dmesh/presence/1.0.0: varint length | JSON. A peer sends hello and record; a relay sends roster, record, gone and error. Pure; everything from outside is checked here, once. */
import * as v from 'valibot'
import { errorToWire, MeshError } from '../../shared/errors.ts'
import { decodeJson, encodeJsonFrame } from '../../wire/frame.ts'
import { MAX_RECORD, ROSTER_PART } from './limits.ts'

export const VERSION = 1

const record = v.pipe(v.string(), v.maxLength(MAX_RECORD))
const mesh = v.pipe(v.string(), v.minLength(1), v.maxLength(80))
const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))

const peerFrame = v.variant('t', [
  v.object({ t: v.literal('hello'), v: v.literal(VERSION), mesh, record }),
  v.object({ t: v.literal('record'), record }),
])

const relayFrame = v.variant('t', [
  v.object({
    t: v.literal('roster'),
    v: v.literal(VERSION),
    /** `ago`: ms since it was last here; 0 while it is. */
    entries: v.pipe(v.array(v.object({ record, here: v.boolean(), ago: time })), v.maxLength(ROSTER_PART)),
    /** False: another part follows. */
    end: v.boolean(),
  }),
  v.object({ t: v.literal('record'), record }),
  v.object({ t: v.literal('gone'), peer: v.pipe(v.string(), v.maxLength(80)) }),
  v.object({ t: v.literal('error'), code: v.pipe(v.string(), v.maxLength(40)), message: v.pipe(v.string(), v.maxLength(500)) }),
])

export type PeerFrame = v.InferOutput<typeof peerFrame>
export type RelayFrame = v.InferOutput<typeof relayFrame>
export type RosterPart = Extract<RelayFrame, { t: 'roster' }>['entries'][number]

/** One frame with its length. */
export function encodePresence(frame: PeerFrame | RelayFrame): Uint8Array<ArrayBuffer> {
  return encodeJsonFrame(frame)
}

/** Code and message of anything thrown, as a frame. */
export function encodeError(error: unknown): Uint8Array<ArrayBuffer> {
  const { code, message } = errorToWire(error)
  return encodePresence({ t: 'error', code, message })
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodePeerFrame(frame: Uint8Array): PeerFrame {
  return parse(peerFrame, frame)
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeRelayFrame(frame: Uint8Array): RelayFrame {
  return parse(relayFrame, frame)
}

function parse<T>(schema: v.GenericSchema<unknown, T>, frame: Uint8Array): T {
  const json = decodeJson(frame)
  const version = (json as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version !== VERSION) throw new MeshError('UNKNOWN_VERSION', `presence version ${version}, we speak ${VERSION}`)
  const result = v.safeParse(schema, json)
  if (!result.success) throw new MeshError('BAD_FRAME', `presence frame: ${result.issues[0].message.slice(0, 200)}`)
  return result.output
}
