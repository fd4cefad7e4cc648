/** Frames of /dmesh/invite/1.0.0: varint length | JSON. The first frame of a stream is `desk` (a member) or `claim` (a joiner). Pure; everything from outside is checked here, once. What is inside tokens and documents is checked by the access room. */
import * as v from 'valibot'
import type { MeshDocuments } from '../../core/private-mesh.ts'
import { errorToWire, MeshError } from '../../shared/errors.ts'
import { decodeJson, encodeJsonFrame } from '../../wire/frame.ts'
import { MAX_CERTIFICATE, MAX_CHAIN, MAX_DOCUMENT, MAX_LEAVE, MAX_REMOVED_LIST, MAX_TOKEN } from './limits.ts'

export const VERSION = 1

const peer = v.pipe(v.string(), v.regex(/^[1-9A-HJ-NP-Za-km-z]{32,80}$/))
const token = v.pipe(v.string(), v.maxLength(MAX_TOKEN))
const base64url = (most: number) => v.pipe(v.string(), v.maxLength(most), v.regex(/^[A-Za-z0-9_-]+$/))
const counter = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const code = v.pipe(v.string(), v.maxLength(40))
const chain = v.pipe(v.array(v.pipe(v.string(), v.maxLength(MAX_CERTIFICATE))), v.minLength(1), v.maxLength(MAX_CHAIN))
const documents = {
  seq: counter,
  document: v.pipe(v.string(), v.maxLength(MAX_DOCUMENT)),
  removed: v.pipe(v.string(), v.maxLength(MAX_REMOVED_LIST)),
}
const leave = v.pipe(v.string(), v.maxLength(MAX_LEAVE))
const claim = {
  token,
  nonce: base64url(32),
  signature: base64url(96),
  sealing: v.object({ key: base64url(43), signature: base64url(96) }),
}

const firstFrame = v.variant('t', [
  /** A member: its certificates, and the newest document it has (0 = none). */
  v.object({ t: v.literal('desk'), v: v.literal(VERSION), mesh: peer, chain, have: counter }),
  v.object({ t: v.literal('claim'), v: v.literal(VERSION), ...claim }),
  /** A person who lost their devices: the documents of meshes that this user key made, then ok. */
  v.object({ t: v.literal('mine'), v: v.literal(VERSION), user: peer, at: counter, signature: base64url(96) }),
])

/** Calls of a member, most of them of an owner; `n` numbers the answers. */
const callFrame = v.variant('t', [
  v.object({ t: v.literal('put'), n: counter, ...documents }),
  v.object({ t: v.literal('answer'), n: counter, invite: base64url(32), peer, code: v.optional(code) }),
  v.object({ t: v.literal('withdraw'), n: counter, invite: base64url(32), until: counter }),
  /** The only call of a member who is no owner. */
  v.object({ t: v.literal('leave'), n: counter, leave }),
  v.object({ t: v.literal('left'), n: counter, peer }),
])

const relayFrame = v.variant('t', [
  /** To a member: in, and what the relay has (0 = nothing). To a joiner: counted. */
  v.object({ t: v.literal('ok'), v: v.literal(VERSION), seq: counter }),
  v.object({ t: v.literal('documents'), ...documents }),
  v.object({ t: v.literal('waiting'), peer, ...claim }),
  v.object({ t: v.literal('leaving'), peer, leave }),
  v.object({ t: v.literal('answer'), code: v.optional(code) }),
  v.object({ t: v.literal('done'), n: counter, code: v.optional(code), message: v.optional(v.pipe(v.string(), v.maxLength(500))) }),
  /** Ends the stream. With NOT_MEMBER, what is newest here: the signed list that says so, and a document that may say more, e.g. new certificates. */
  v.object({ t: v.literal('error'), code, message: v.pipe(v.string(), v.maxLength(500)), newest: v.optional(v.object(documents)) }),
])

export type FirstFrame = v.InferOutput<typeof firstFrame>
export type CallFrame = v.InferOutput<typeof callFrame>
export type RelayFrame = v.InferOutput<typeof relayFrame>

export function encodeInvite(frame: FirstFrame | CallFrame | RelayFrame): Uint8Array<ArrayBuffer> {
  return encodeJsonFrame(frame)
}

export function encodeError(error: unknown, newest?: MeshDocuments): Uint8Array<ArrayBuffer> {
  const { code, message } = errorToWire(error)
  return encodeInvite({ t: 'error', code, message, ...(newest ? { newest } : {}) })
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeFirst(frame: Uint8Array): FirstFrame {
  return parse(firstFrame, frame)
}

/** BAD_FRAME. */
export function decodeCall(frame: Uint8Array): CallFrame {
  return parse(callFrame, frame)
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeRelay(frame: Uint8Array): RelayFrame {
  return parse(relayFrame, frame)
}

function parse<T>(schema: v.GenericSchema<unknown, T>, frame: Uint8Array): T {
  const json = decodeJson(frame)
  const version = (json as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version !== VERSION) throw new MeshError('UNKNOWN_VERSION', `invite version ${version}, we speak ${VERSION}`)
  const result = v.safeParse(schema, json, { abortEarly: true })
  if (!result.success) throw new MeshError('BAD_FRAME', `invite frame: ${result.issues[0].message.slice(0, 200)}`)
  return result.output
}
