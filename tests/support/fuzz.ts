/** What every test of a decoder needs: how many cases, and the rule that a decoder gives a value or throws one of its own codes, nothing else. */
import assert from 'node:assert/strict'
import { type ErrorCode, MeshError } from '../../src/shared/errors.ts'

/** Cases of one property: 10 000, a million in `npm run test:long`. */
export const FUZZ_RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)

/** What `decode` gives; undefined when it threw a MeshError with one of `codes`. Anything else that it throws fails the test. */
export function valueOrCode<T>(decode: () => T, codes: readonly ErrorCode[]): T | undefined {
  try {
    return decode()
  } catch (error) {
    assert.ok(error instanceof MeshError && codes.includes(error.code), `${String(error)}\n${(error as Error)?.stack}`)
    return undefined
  }
}
