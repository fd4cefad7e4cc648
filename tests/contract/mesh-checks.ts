/** What the cases of the Mesh contract share: two meshes, waits with a deadline, and assertions that need no Node.js. */
import type { Mesh } from '../../src/core/mesh.ts'
import { waitUntil } from '../support/wait.ts'

/** Two running meshes that reach each other and may open each other's streams; each case leaves them usable but the last. */
export interface MeshContext {
  readonly a: Mesh
  readonly b: Mesh
}

export interface MeshCase {
  readonly name: string
  run(context: MeshContext): Promise<void>
}

export async function codeFrom(promise: Promise<unknown>): Promise<string> {
  return within(
    promise.then(
      () => 'nothing',
      (error: { code?: string }) => String(error?.code ?? error),
    ),
    'an error',
  )
}

export const DEADLINE = 20_000 // ms; two busy cores

export function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`waited ${DEADLINE} ms in vain for ${what}`)), DEADLINE)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  await waitUntil(condition, { ms: DEADLINE, what })
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  check(actual === expected, `${what}: got ${String(actual)}, expected ${String(expected)}`)
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}
