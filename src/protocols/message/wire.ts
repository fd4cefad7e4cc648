/** Bytes of /dmesh/message/1.0.0: varint length | JSON header | varint length | body, answered by varint length | JSON receipt. Pure; decoders accept nothing they do not know. */
import * as v from 'valibot'
import { MeshError } from '../../shared/errors.ts'
import { decodeJson, encodeFrame, encodeJsonFrame } from '../../wire/frame.ts'
import { MAX_BODY, MAX_TOPIC } from './limits.ts'

export const VERSION = 1

const id = v.pipe(v.string(), v.regex(/^[a-z0-9-]{8,64}$/))

const headerSchema = v.strictObject({
  v: v.number(),
  id,
  topic: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_TOPIC)),
  /** ms since 1970, the sender's clock. */
  at: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** 't' = UTF-8 text, 'b' = bytes. */
  as: v.picklist(['t', 'b']),
})

const receiptSchema = v.strictObject({ v: v.number(), id })

export type Header = v.InferOutput<typeof headerSchema>

/** Header and body, each behind its length, to be written in this order. Copies. */
export function encodeMessage(header: Header, body: Uint8Array): readonly [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  return [encodeJsonFrame(header), encodeFrame(body)]
}

/** BAD_FRAME, UNKNOWN_VERSION. */
export function decodeHeader(frame: Uint8Array): Header {
  return parse(headerSchema, frame)
}

/** Behind its length. */
export function encodeReceipt(messageId: string): Uint8Array<ArrayBuffer> {
  return encodeJsonFrame({ v: VERSION, id: messageId })
}

/** The id that was received. BAD_FRAME, UNKNOWN_VERSION. */
export function decodeReceipt(frame: Uint8Array): string {
  return parse(receiptSchema, frame).id
}

function parse<T extends { v: number }>(schema: v.GenericSchema<unknown, T>, frame: Uint8Array): T {
  const json = decodeJson(frame)
  const version = (json as { v?: unknown } | null)?.v
  if (typeof version === 'number' && version !== VERSION) throw new MeshError('UNKNOWN_VERSION', `message version ${version}, we speak ${VERSION}`)
  const result = v.safeParse(schema, json)
  if (!result.success) throw new MeshError('BAD_FRAME', `message header: ${result.issues[0].message}`)
  return result.output
}

/** BAD_ARGUMENT when the topic or the body cannot be sent. */
export function checkOutgoing(topic: string, body: Uint8Array): void {
  if (topic.length < 1 || topic.length > MAX_TOPIC) throw new MeshError('BAD_ARGUMENT', `a topic has 1 to ${MAX_TOPIC} characters`)
  if (body.byteLength > MAX_BODY) throw new MeshError('BAD_ARGUMENT', `a message of ${body.byteLength} bytes, cap ${MAX_BODY}: send a file`)
}
