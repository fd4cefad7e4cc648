/** Frames of /dmesh/members/1.0.0: varint length | JSON. Pure; everything from outside is checked here, once. What is inside certificates and documents is checked by the access room. */
import * as v from 'valibot'
import type { MeshDocuments } from '../../core/private-mesh.ts'
import { errorToWire, MeshError } from '../../shared/errors.ts'
import { decodeJson, encodeJsonFrame } from '../../wire/frame.ts'
import { MAX_CERTIFICATE, MAX_CHAIN, MAX_DOCUMENT, MAX_LEAVE, MAX_REMOVED_LIST } from './limits.ts'

export const VERSION = 1

const peer = v.pipe(v.string(), v.regex(/^[1-9A-HJ-NP-Za-km-z]{32,80}$/))
const counter = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const chain = v.pipe(v.array(v.pipe(v.string(), v.maxLength(MAX_CERTIFICATE))), v.minLength(1), v.maxLength(MAX_CHAIN))
const documents = {
  seq: counter,
  document: v.pipe(v.string(), v.maxLength(MAX_DOCUMENT)),
  removed: v.pipe(v.string(), v.maxLength(MAX_REMOVED_LIST)),
}

const firstFrame = v.variant('t', [
  /** A member: its certificates, and the document it has. */
  v.object({ t: v.literal('have'), v: v.literal(VERSION), mesh: peer, chain, seq: counter }),
  /** A member goes: its signed word. */
  v.object({ t: v.literal('leave'), v: v.literal(VERSION), mesh: peer, leave: v.pipe(v.string(), v.maxLength(MAX_LEAVE)) }),
])

const nextFrame = v.variant('t', [
  /** Nothing newer here. */
  v.object({ t: v.literal('have'), seq: counter }),
  v.object({ t: v.literal('documents'), ...documents }),
  /** Ends the stream. With NOT_MEMBER, what is newest here. */
  v.object({
    t: v.literal('error'),
    code: v.pipe(v.string(), v.maxLength(40)),
    message: v.pipe(v.string(), v.maxLength(500)),
    newest: v.optional(v.object(documents)),
  }),
])

export type FirstFrame = v.InferOutput<typeof firstFrame>
export type NextFrame = v.InferOutput<typeof nextFrame>

export function encodeMembers(frame: FirstFrame | NextFrame): Uint8Array<ArrayBuffer> {
  return encodeJsonFrame(frame)
}

export function encodeError(error: unknown, newest?: MeshDocuments): Uint8Array<ArrayBuffer> {
  const { code, message } = errorToWire(error)
  return encodeMembers({ t: 'error', code, message, ...(newest ? { newest } : {}) })
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeFirst(frame: Uint8Array): FirstFrame {
  return parse(firstFrame, frame)
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeNext(frame: Uint8Array): NextFrame {
  return parse(nextFrame, frame)
}

function parse<T>(schema: v.GenericSchema<unknown, T>, frame: Uint8Array): T {
  const json = decodeJson(frame)
  const version = (json as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version !== VERSION) throw new MeshError('UNKNOWN_VERSION', `members version ${version}, we speak ${VERSION}`)
  const result = v.safeParse(schema, json, { abortEarly: true })
  if (!result.success) throw new MeshError('BAD_FRAME', `members frame: ${result.issues[0].message.slice(0, 200)}`)
  return result.output
}
