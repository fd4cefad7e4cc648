/** The few assertions that contract suites need, for places without node:assert (pages and workers). */

/** Deep equality of JSON-like values and Uint8Arrays. */
export function expectEqual(actual: unknown, expected: unknown, what = 'value'): void {
  const [a, b] = [show(actual), show(expected)]
  if (a !== b) throw new Error(`${what}: expected ${b}, got ${a}`)
}

export function expectTrue(condition: unknown, what: string): void {
  if (!condition) throw new Error(`expected: ${what}`)
}

/** Resolves when `work` rejects with this code, throws otherwise. */
export async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    const { code: got, message } = error as { code?: unknown; message?: unknown }
    if (got === code) return
    throw new Error(`expected a rejection with ${code}, got ${String(got)}: ${String(message)}`)
  }
  throw new Error(`expected a rejection with ${code}, got the value ${show(value)}`)
}

function show(value: unknown): string {
  const plain = (item: unknown): unknown => {
    if (item === undefined) return '(undefined)'
    if (item instanceof Uint8Array) return { bytes: [...item] }
    if (Array.isArray(item)) return item.map(plain)
    if (item === null || typeof item !== 'object') return item
    const entries = Object.entries(item).filter(([, inner]) => inner !== undefined)
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, plain(inner)]))
  }
  return JSON.stringify(plain(value))
}
