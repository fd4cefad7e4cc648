/** Frames of /dmesh/code/1.0.0: varint length | JSON. Pure; everything from outside is checked here, once. */
import * as v from 'valibot'
import { MeshError } from '../../shared/errors.ts'
import { decodeJson, encodeJsonFrame } from '../../wire/frame.ts'

export const VERSION = 1

const base64url = (least: number, most: number) => v.pipe(v.string(), v.minLength(least), v.maxLength(most), v.regex(/^[A-Za-z0-9_-]+$/))

const codeFrame = v.variant('t', [
  /** Joiner: 16 bytes of this run, and its share. */
  v.object({ t: v.literal('start'), v: v.literal(VERSION), session: base64url(22, 22), share: base64url(43, 43) }),
  /** Issuer: its share; the code is spent from here on. */
  v.object({ t: v.literal('share'), share: base64url(43, 43) }),
  /** Joiner: proves that it knew the code. */
  v.object({ t: v.literal('proof'), proof: base64url(43, 43) }),
  /** Issuer: the invite link, sealed with the key both have. */
  v.object({ t: v.literal('invite'), box: base64url(1, 14_000) }),
  v.object({ t: v.literal('error'), code: v.pipe(v.string(), v.maxLength(40)), message: v.pipe(v.string(), v.maxLength(500)) }),
])

export type CodeFrame = v.InferOutput<typeof codeFrame>

export function encodeCode(frame: CodeFrame): Uint8Array<ArrayBuffer> {
  return encodeJsonFrame(frame)
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeCode(frame: Uint8Array): CodeFrame {
  const json = decodeJson(frame)
  const version = (json as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version !== VERSION) throw new MeshError('UNKNOWN_VERSION', `code version ${version}, we speak ${VERSION}`)
  const result = v.safeParse(codeFrame, json, { abortEarly: true })
  if (!result.success) throw new MeshError('BAD_FRAME', `code frame: ${result.issues[0].message.slice(0, 200)}`)
  return result.output
}
