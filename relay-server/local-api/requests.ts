/** Every request body of the local API: its shape, strict, and one parser for all. Pure. */
import * as v from 'valibot'
import type { MeshesCall } from '../../src/core/meshes-calls.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { MAX_LINK, MAX_NAME, MAX_PATH, MAX_TOPIC } from './limits.ts'

const peer = v.pipe(v.string('a text'), v.regex(/^[A-Za-z0-9]{20,128}$/, 'a PeerID'))
const id = v.pipe(v.string('a text'), v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id'))
const topic = v.pipe(v.string('a text'), v.minLength(1, 'a topic'), v.maxLength(MAX_TOPIC, `at most ${MAX_TOPIC} characters`))
const name = v.pipe(v.string('a text'), v.maxLength(MAX_NAME, `at most ${MAX_NAME} characters`))
const meshId = v.union([v.literal('lobby'), peer], 'the id of a mesh, or lobby')
/** The body as text, or as base64url for bytes. */
const body = { text: v.optional(v.string('a text')), data: v.optional(v.pipe(v.string('a text'), v.regex(/^[A-Za-z0-9_-]*$/, 'base64url'))) }
const path = v.pipe(
  v.string('a text'),
  v.regex(/^(\/|[A-Za-z]:[\\/])/, 'an absolute path'),
  v.maxLength(MAX_PATH, 'shorter'),
  v.regex(/^[^\0]*$/, 'a path'),
)
/** A word of a policy row. */
const entry = v.pipe(v.string('a text'), v.minLength(1, 'a word'), v.maxLength(140, 'at most 140 characters'))

export const REQUESTS = {
  ping: v.strictObject({ peer }),
  log: v.strictObject({
    subsystem: v.pipe(v.string('a text'), v.regex(/^(\*|[a-z][a-z0-9-]{0,31})$/, 'a subsystem such as relay, or *')),
    level: v.picklist(['debug', 'info', 'warn', 'error', 'off'], 'debug, info, warn, error or off'),
  }),
  why: v.strictObject({ peer }),
  find: v.strictObject({ peer, connect: v.optional(v.boolean('true or false')) }),
  send: v.strictObject({ peer, topic, ...body }),
  read: v.strictObject({ peer, message: v.optional(id) }),
  rename: v.strictObject({ name, peer: v.optional(peer) }),
  publish: v.strictObject({ topic, mesh: v.optional(meshId), ...body }),
  subscribe: v.strictObject({ topic, mesh: v.optional(meshId) }),
  relay: v.strictObject({ origin: v.pipe(v.string('a text'), v.maxLength(MAX_LINK, 'shorter')) }),
  /** A file of this computer, by its absolute path. */
  offer: v.strictObject({
    peer,
    path,
    name: v.optional(name),
  }),
  /** A folder of this computer, by its absolute path. */
  serve: v.strictObject({
    path,
    name: v.optional(name),
    allow: v.optional(v.union([v.picklist(['mesh', 'members'], 'mesh, members or PeerIDs'), v.pipe(v.array(peer), v.maxLength(64, 'at most 64'))])),
  }),
  fetch: v.strictObject({
    url: v.pipe(v.string('a text'), v.maxLength(MAX_LINK, 'shorter')),
    method: v.optional(v.pipe(v.string('a text'), v.maxLength(32, 'shorter'))),
    fields: v.optional(v.pipe(v.array(v.tuple([v.string('a text'), v.string('a text')])), v.maxLength(64, 'at most 64'))),
    data: v.optional(v.pipe(v.string('a text'), v.regex(/^[A-Za-z0-9_-]*$/, 'base64url'))),
  }),
  transfer: v.strictObject({ id }),
  resume: v.strictObject({ id, path: v.optional(path) }),
  revoke: v.strictObject({ id: entry }),
  explain: v.strictObject({ who: entry, may: entry, to: v.optional(entry) }),
} as const

const role = v.picklist(['owner', 'member', 'guest'], 'owner, member or guest')
const link = v.pipe(v.string('a text'), v.maxLength(MAX_LINK, 'shorter'))
const options = v.strictObject({
  role: v.optional(role),
  uses: v.optional(v.number('a number')),
  until: v.optional(v.number('a number')),
  opens: v.optional(v.string('a text')),
  label: v.optional(v.string('a text')),
})

/** Arguments of the calls of MeshesApi, without a signal. */
export const MESHES_REQUESTS: Readonly<Partial<Record<MeshesCall, v.GenericSchema<unknown, readonly unknown[]>>>> = {
  create: v.strictTuple([name]),
  rename: v.strictTuple([peer, name]),
  invite: v.union([v.strictTuple([peer]), v.strictTuple([peer, options])]),
  invites: v.strictTuple([peer]),
  withdraw: v.strictTuple([id]),
  look: v.strictTuple([link]),
  join: v.strictTuple([link]),
  setRole: v.strictTuple([peer, peer, role]),
  remove: v.strictTuple([peer, peer]),
  leave: v.strictTuple([peer]),
  shortCode: v.union([v.strictTuple([peer]), v.strictTuple([peer, v.strictObject({ role: v.optional(role) })])]),
  enterCode: v.strictTuple([peer, link]),
  backup: v.strictTuple([]),
  restore: v.strictTuple([link]),
}

export type RequestOf<K extends keyof typeof REQUESTS> = v.InferOutput<(typeof REQUESTS)[K]>

/** BAD_ARGUMENT names the member. */
export function parseRequest<K extends keyof typeof REQUESTS>(kind: K, value: unknown): RequestOf<K> {
  return parse(REQUESTS[kind] as unknown as v.GenericSchema<unknown, RequestOf<K>>, value)
}

/** BAD_ARGUMENT names the argument by its number; UNKNOWN_PROTOCOL for a call that is not carried. */
export function parseMeshesRequest(call: MeshesCall, value: unknown): readonly unknown[] {
  const schema = MESHES_REQUESTS[call]
  if (!schema) throw new MeshError('UNKNOWN_PROTOCOL', `the local API does not carry meshes.${call}`)
  return parse(v.strictObject({ args: schema }), value).args
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new MeshError('BAD_ARGUMENT', `${v.getDotPath(result.issues[0]) ?? 'the request'} must be ${result.issues[0].message}`)
}
