/** Frames of /dmesh/files/1.0.0 (byte table in README.md), pure. Must trust nothing: every decoder ends in a typed value or a MeshError. */
import * as v from 'valibot'
import { type ErrorCode, isErrorCode, MeshError } from '../../shared/errors.ts'
import { decodeJson } from '../../wire/frame.ts'
import { MAX_FILE, MAX_TYPE } from './limits.ts'
import { safeName } from './name.ts'

/** Raised when an older receiver could misread what follows the offer. */
export const VERSION = 1

export interface Offer {
  /** The sender's own id of this transfer, by which it is resumed; never used as a name of ours. */
  readonly id: string
  /** Safe to show and to save under. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Media type or ''. A claim of the sender. */
  readonly type: string
  /** ms since 1970, undefined when unknown. */
  readonly mtime?: number
  /** The same transfer on a new stream: nobody is asked again. */
  readonly resume?: true
}

/** The first frame of a stream: a sender's offer, or a receiver that can take a transfer of the other side again. */
export type Opening = { readonly kind: 'offer'; readonly offer: Offer } | { readonly kind: 'want'; readonly id: string }

/** What a receiver says before the bytes. `offset`: bytes it has already; 0 but after a resume. `prefix`: SHA-256 of them, where they were read again. */
export type Answer =
  | { readonly kind: 'wait' }
  | { readonly kind: 'accept'; readonly offset: number; readonly prefix?: string }
  | { readonly kind: 'stop'; readonly code: ErrorCode }

/** What a sender says after the bytes. */
export type Trailer = { readonly kind: 'digest'; readonly sha256: string } | { readonly kind: 'stop'; readonly code: ErrorCode }

/** What a receiver says after the digest, or at any time instead. */
export type Verdict = { readonly kind: 'done'; readonly sha256: string } | { readonly kind: 'stop'; readonly code: ErrorCode }

const MAX_RAW_NAME = 1024 // UTF-16 units taken from a peer before cleaning
const MAX_CODE = 32 // characters of an error code

const versionSchema = v.object({ v: v.pipe(v.number(), v.integer()) })
const idSchema = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/))
const wantSchema = v.object({ kind: v.literal('want'), id: idSchema })
const offerSchema = v.object({
  kind: v.literal('offer'),
  id: idSchema,
  name: v.pipe(v.string(), v.maxLength(MAX_RAW_NAME)),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_FILE)),
  type: v.pipe(v.string(), v.maxLength(MAX_TYPE)),
  mtime: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  resume: v.optional(v.literal(true)),
})
const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const stopSchema = v.object({ kind: v.literal('stop'), code: v.pipe(v.string(), v.maxLength(MAX_CODE)) })
const answerSchema = v.variant('kind', [
  v.object({ kind: v.literal('wait') }),
  v.object({
    kind: v.literal('accept'),
    offset: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_FILE)),
    prefix: v.optional(sha256Schema),
  }),
  stopSchema,
])
const trailerSchema = v.variant('kind', [v.object({ kind: v.literal('digest'), sha256: sha256Schema }), stopSchema])
const verdictSchema = v.variant('kind', [v.object({ kind: v.literal('done'), sha256: sha256Schema }), stopSchema])

/** The JSON of the first frame. */
export function offerJson(offer: Offer): unknown {
  return { v: VERSION, kind: 'offer', ...offer }
}

/** The JSON of the first frame of a receiver that can take a transfer again: `id` is the sender's. */
export function wantJson(id: string): unknown {
  return { v: VERSION, kind: 'want', id }
}

/** UNKNOWN_VERSION before anything else is looked at, BAD_FRAME for the rest. Keys that we do not know are ignored. */
export function decodeOpening(frame: Uint8Array): Opening {
  const json = decodeJson(frame)
  const { v: version } = parse(versionSchema, json, 'offer')
  if (version !== VERSION) throw new MeshError('UNKNOWN_VERSION', `file offer of version ${version}, we speak ${VERSION}`)
  if ((json as { kind?: unknown }).kind === 'want') return { kind: 'want', id: parse(wantSchema, json, 'want').id }
  return { kind: 'offer', offer: readOffer(json) }
}

function readOffer(json: unknown): Offer {
  const { id, name, size, type, mtime, resume } = parse(offerSchema, json, 'offer')
  return { id, name: safeName(name), size, type: safeType(type), ...(mtime === undefined ? {} : { mtime }), ...(resume ? { resume } : {}) }
}

/** BAD_FRAME for anything else. */
export function decodeAnswer(frame: Uint8Array): Answer {
  return withCode(parse(answerSchema, decodeJson(frame), 'answer'))
}

/** BAD_FRAME for anything else. */
export function decodeTrailer(frame: Uint8Array): Trailer {
  return withCode(parse(trailerSchema, decodeJson(frame), 'end of file'))
}

/** BAD_FRAME for anything else. */
export function decodeVerdict(frame: Uint8Array): Verdict {
  return withCode(parse(verdictSchema, decodeJson(frame), 'verdict'))
}

/** type/subtype in lower case, or '' for anything unusual. */
export function safeType(type: string): string {
  const lower = type.toLowerCase()
  return lower.length <= MAX_TYPE && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(lower) ? lower : ''
}

function parse<T>(schema: v.GenericSchema<unknown, T>, json: unknown, what: string): T {
  const result = v.safeParse(schema, json)
  if (!result.success) throw new MeshError('BAD_FRAME', `${what}: ${result.issues[0].message}`)
  return result.output
}

/** A code of a newer peer that we do not know becomes STREAM_RESET: it ended, we cannot say why. */
function withCode<T extends { readonly kind: string; readonly code?: string }>(
  message: T,
): Exclude<T, { kind: 'stop' }> | { kind: 'stop'; code: ErrorCode } {
  if (message.kind !== 'stop') return message as Exclude<T, { kind: 'stop' }>
  return { kind: 'stop', code: isErrorCode(message.code) ? message.code : 'STREAM_RESET' }
}
