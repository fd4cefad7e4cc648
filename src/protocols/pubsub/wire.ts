/** Topics and payloads of pub/sub on the wire. Lobby: `lobby/<topic>`, the bytes as they are. Private mesh: a hash as topic; sealed: varint length | JSON {v, from, topic, at} | bytes. Pure but for the digest. */
import * as v from 'valibot'
import { concat, equal, toBase64url, toUtf8 } from '../../shared/bytes.ts'
import { MeshError } from '../../shared/errors.ts'
import { decodeJson, encodeJsonFrame } from '../../wire/frame.ts'
import { decodeVarint } from '../../wire/varint.ts'
import { MAX_DATA, MAX_OVERHEAD, MAX_TOPIC } from './limits.ts'

export const LOBBY = 'lobby'
const VERSION = 1

/** What the seal protects beside the bytes: without it a stranger could sign a member's sealed bytes as their own, or put them into another topic. */
export interface Inside {
  readonly from: string
  /** As on the wire. */
  readonly topic: string
  /** ms since 1970, the author's clock. */
  readonly at: number
}

const insideSchema = v.strictObject({
  v: v.literal(VERSION),
  from: v.pipe(v.string(), v.maxLength(128)),
  topic: v.pipe(v.string(), v.maxLength(128)),
  at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})

/** The topic as neighbours see it. Who does not know mesh and topic can only guess it. */
export async function wireTopic(mesh: string, topic: string): Promise<string> {
  if (mesh === LOBBY) return `${LOBBY}/${topic}`
  const parts = ['dmesh pubsub 1', mesh, topic].map((part) => encodeJsonFrame(part))
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', concat(parts))))
}

/** To be sealed. */
export function encodeInside(inside: Inside, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([encodeJsonFrame({ v: VERSION, from: inside.from, topic: inside.topic, at: inside.at }), data])
}

/** BAD_FRAME, FRAME_TOO_LARGE. The bytes are a copy. */
export function decodeInside(plain: Uint8Array): { readonly inside: Inside; readonly data: Uint8Array<ArrayBuffer> } {
  const head = decodeVarint(plain)
  if (!head || head.value > MAX_OVERHEAD || head.length + head.value > plain.byteLength)
    throw new MeshError('BAD_FRAME', 'a sealed message without its header')
  const parsed = v.safeParse(insideSchema, decodeJson(plain.subarray(head.length, head.length + head.value)))
  if (!parsed.success) throw new MeshError('BAD_FRAME', `sealed message: ${parsed.issues[0].message}`)
  const data = plain.slice(head.length + head.value)
  if (data.byteLength > MAX_DATA) throw new MeshError('FRAME_TOO_LARGE', `a message of ${data.byteLength} bytes`)
  const { from, topic, at } = parsed.output
  return { inside: { from, topic, at }, data: data as Uint8Array<ArrayBuffer> }
}

/** BAD_ARGUMENT. */
export function checkTopic(topic: string): void {
  if (typeof topic !== 'string' || topic.length < 1 || topic.length > MAX_TOPIC || !equal(toUtf8(topic), toUtf8(topic.toWellFormed())))
    throw new MeshError('BAD_ARGUMENT', `a topic has 1 to ${MAX_TOPIC} characters`)
}

/** BAD_ARGUMENT. */
export function checkData(data: Uint8Array): void {
  if (data.byteLength > MAX_DATA) throw new MeshError('BAD_ARGUMENT', `a message of ${data.byteLength} bytes, cap ${MAX_DATA}: send a file`)
}
