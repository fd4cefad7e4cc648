/** JSON that also carries Uint8Array, as {"$bytes": base64url}, for stores that keep text. An object of ours that looks like a tag is wrapped, so every value comes back as it was. */
import { fromBase64url, toBase64url } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'

const MAX_DEPTH = 32 // nesting; records are flat, this stops cycles

/** BAD_ARGUMENT for a value that is neither JSON nor bytes, e.g. a function, a Map or a cycle. */
export function encodeTagged(value: unknown): string {
  if (value === undefined) throw new MeshError('BAD_ARGUMENT', 'a record cannot be undefined')
  return JSON.stringify(tag(value, 0))
}

/** STORAGE_FAILED when the text was not written by encodeTagged. */
export function decodeTagged(text: string): unknown {
  try {
    return untag(JSON.parse(text))
  } catch (cause) {
    throw new MeshError('STORAGE_FAILED', 'a stored record cannot be read', { cause })
  }
}

function tag(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new MeshError('BAD_ARGUMENT', `a record nests deeper than ${MAX_DEPTH}`)
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (value instanceof Uint8Array) return { $bytes: toBase64url(value) }
  if (Array.isArray(value)) return value.map((item) => tag(item, depth + 1))
  if (typeof value !== 'object' || ![Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    throw new MeshError('BAD_ARGUMENT', `a record holds a ${typeof value} that cannot be stored`)
  }
  const out = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tag(item, depth + 1)]))
  return '$bytes' in out || '$object' in out ? { $object: out } : out
}

function untag(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untag)
  if (value === null || typeof value !== 'object') return value
  const { $bytes, $object } = value as { $bytes?: unknown; $object?: unknown }
  if ($bytes !== undefined) {
    const bytes = typeof $bytes === 'string' ? fromBase64url($bytes) : undefined
    if (!bytes) throw new MeshError('STORAGE_FAILED', 'a stored record holds bytes that are not base64url')
    return bytes
  }
  const plain = $object === undefined ? value : ($object as object)
  return Object.fromEntries(Object.entries(plain).map(([key, item]) => [key, untag(item)]))
}
