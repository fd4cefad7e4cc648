/** JSON (RFC 8259) with comments and trailing commas, which knows the line of every value so that a mistake can be named. Pure. Must never recurse deeper than its cap. */
import { MeshError } from '../shared/errors.ts'
import { MAX_JSON_DEPTH } from './limits.ts'

export interface Jsonc {
  readonly value: unknown
  /** Line (from 1) of the value at this path, or of the nearest value around it. */
  lineOf(path: readonly (string | number)[]): number
}

/** BAD_CONFIG with the line for anything that is not well-formed, a key given twice included. */
export function parseJsonc(text: string): Jsonc {
  const lines = new Map<string, number>()
  const reader = createReader(text)
  const value = readValue(reader, [], lines)
  reader.skip()
  if (reader.peek() !== '') throw reader.fail('nothing may follow the last bracket')
  return {
    value,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(JSON.stringify(path.slice(0, length)))
        if (line !== undefined) return line
      }
      return lines.get('[]') ?? 1
    },
  }
}

interface Reader {
  /** The character here, '' at the end. */
  peek(): string
  /** Go over white space and comments. */
  skip(): void
  /** What `pattern` (sticky) matches here, stepping over it. */
  take(pattern: RegExp): string | undefined
  line(): number
  fail(why: string): MeshError
}

function createReader(text: string): Reader {
  let at = 0
  let line = 1
  let counted = 0
  const lineNow = () => {
    for (; counted < at; counted++) if (text[counted] === '\n') line++
    return line
  }
  const fail = (why: string) => new MeshError('BAD_CONFIG', `line ${lineNow()}: ${why}`)
  const take = (pattern: RegExp) => {
    const sticky = new RegExp(pattern, 'y')
    sticky.lastIndex = at
    const found = sticky.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  return {
    peek: () => text[at] ?? '',
    skip() {
      for (;;) {
        while (take(/[ \t\r\n\uFEFF]+|\/\/[^\n]*/));
        if (!text.startsWith('/*', at)) return
        const end = text.indexOf('*/', at + 2)
        if (end < 0) throw fail('this comment has no end')
        at = end + 2
      }
    },
    take,
    line: lineNow,
    fail,
  }
}

function readValue(reader: Reader, path: readonly (string | number)[], lines: Map<string, number>): unknown {
  reader.skip()
  lines.set(JSON.stringify(path), reader.line())
  if (path.length > MAX_JSON_DEPTH) throw reader.fail(`nested deeper than ${MAX_JSON_DEPTH} levels`)
  switch (reader.peek()) {
    case '{':
      return readObject(reader, path, lines)
    case '[':
      return readArray(reader, path, lines)
    case '"':
      return readString(reader)
    case '':
      throw reader.fail('the file ends here, but a value is expected')
    default: {
      const word = reader.take(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/)
      if (word === undefined) throw reader.fail(`expected a value, got ${JSON.stringify(reader.peek())}`)
      return JSON.parse(word) as unknown
    }
  }
}

function readObject(reader: Reader, path: readonly (string | number)[], lines: Map<string, number>): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  reader.take(/\{/)
  for (;;) {
    reader.skip()
    if (reader.take(/\}/)) return object
    if (reader.peek() !== '"') throw reader.fail('expected a name in double quotes or }')
    const key = readString(reader)
    if (Object.hasOwn(object, key)) throw reader.fail(`${JSON.stringify(key)} is given twice`)
    if (key === '__proto__') throw reader.fail('"__proto__" is no name that can be used')
    reader.skip()
    if (!reader.take(/:/)) throw reader.fail(`expected : after ${JSON.stringify(key)}`)
    object[key] = readValue(reader, [...path, key], lines)
    reader.skip()
    if (!reader.take(/,/) && reader.peek() !== '}') throw reader.fail('expected , or }')
  }
}

function readArray(reader: Reader, path: readonly (string | number)[], lines: Map<string, number>): unknown[] {
  const array: unknown[] = []
  reader.take(/\[/)
  for (;;) {
    reader.skip()
    if (reader.take(/\]/)) return array
    array.push(readValue(reader, [...path, array.length], lines))
    reader.skip()
    if (!reader.take(/,/) && reader.peek() !== ']') throw reader.fail('expected , or ]')
  }
}

function readString(reader: Reader): string {
  // Only the extent is found here; JSON.parse checks control characters and escapes (RFC 8259 §7).
  const literal = reader.take(/"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"/)
  try {
    if (literal !== undefined) return JSON.parse(literal) as string
  } catch {
    // Falls through to the error that names the line.
  }
  throw reader.fail('this text in quotes has no end on its line, or a wrong \\ in it')
}
