/**
 * The heads of HTTP/1.1 messages (RFC 9112), strictly: CRLF alone ends a line, no obsolete folding, no space before a colon, one Host, no message whose length could be
 * understood in two ways (RFC 9112 §6.3). Pure. Must never repair what is wrong: two parsers that repair differently are how requests are smuggled.
 */
import { MeshError } from '../../shared/errors.ts'
import { MAX_FIELDS, MAX_TARGET } from './limits.ts'

/** Name as it was sent, value without the white space around it. Kept as a list: order and repetition mean something. */
export type Field = readonly [name: string, value: string]

export interface RequestHead {
  readonly method: string
  readonly target: string
  readonly version: '1.0' | '1.1'
  readonly fields: readonly Field[]
}

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly version: '1.0' | '1.1'
  readonly fields: readonly Field[]
}

/** How many bytes follow: a number, until the last chunk, or (of an answer alone) until the end of the stream. */
export type Framing = number | 'chunked' | 'until end'

/** Wrong by RFC 9112; `status` is what a server answers. */
export class HttpError extends MeshError {
  readonly status: number
  constructor(status: number, message: string) {
    super('BAD_FRAME', message)
    this.status = status
  }
}

/** Fields that say how a message travels on one stream (RFC 9110 §7.6.1): whoever sends a message decides on them anew. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
])

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Visible characters, space and tab; bytes above 127 are allowed and mean nothing (RFC 9110 §5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TARGET = /^[\x21-\x7e]+$/
const REQUEST_LINE = /^([^ ]+) ([^ ]+) HTTP\/(\d)\.(\d)$/
const STATUS_LINE = /^HTTP\/(\d)\.(\d) (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/

/** `text`: the head as Latin-1, without the empty line at its end. HttpError. */
export function parseRequestHead(text: string): RequestHead {
  const [line = '', ...rest] = splitLines(text)
  const [, method = '', target = '', major, minor] = REQUEST_LINE.exec(line) ?? []
  if (!TOKEN.test(method) || !TARGET.test(target)) throw new HttpError(400, 'not a request line')
  if (target.length > MAX_TARGET) throw new HttpError(414, `a target of more than ${MAX_TARGET} characters`)
  const version = versionOf(major, minor)
  const fields = parseFields(rest)
  const hosts = valuesOf(fields, 'host').length
  if (hosts > 1 || (hosts === 0 && version === '1.1')) throw new HttpError(400, 'a request names one Host')
  return { method, target, version, fields }
}

/** As parseRequestHead. HttpError, whose status nobody is told. */
export function parseResponseHead(text: string): ResponseHead {
  const [line = '', ...rest] = splitLines(text)
  const [, major, minor, status, reason = ''] = STATUS_LINE.exec(line) ?? []
  if (!status || Number(status) < 100 || Number(status) > 599) throw new HttpError(502, 'not a status line')
  return { status: Number(status), reason, version: versionOf(major, minor), fields: parseFields(rest) }
}

/** The fields of a head or a trailer section. HttpError. */
export function parseFields(lines: readonly string[]): Field[] {
  if (lines.length > MAX_FIELDS) throw new HttpError(431, `more than ${MAX_FIELDS} header fields`)
  return lines.map((line) => {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')
    // A line that begins with white space would be obsolete folding: its name is no token.
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new HttpError(400, 'not a header field')
    return [name, value]
  })
}

/** All values of a field, in order. `name` in lower case. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
}

/** True when a list field (RFC 9110 §5.6.1) names this option. */
export function hasOption(fields: readonly Field[], name: string, option: string): boolean {
  return valuesOf(fields, name).some((value) => value.split(',').some((part) => part.trim().toLowerCase() === option))
}

export function toHeaders(fields: readonly Field[]): Headers {
  return new Headers(fields.map(([name, value]): [string, string] => [name, value]))
}

/** What follows the head of a request (RFC 9112 §6.3). HttpError for lengths that contradict each other or are none. */
export function requestFraming(head: RequestHead): Framing {
  return lengthOf(head) ?? 0
}

/** What follows the head of the answer to `method`. HttpError. */
export function responseFraming(head: ResponseHead, method: string): Framing {
  const length = lengthOf(head)
  if (method === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304) return 0
  return length ?? 'until end'
}

function lengthOf({ fields, version }: { readonly fields: readonly Field[]; readonly version: string }): number | 'chunked' | undefined {
  const codings = valuesOf(fields, 'transfer-encoding')
  const lengths = valuesOf(fields, 'content-length')
  if (codings.length > 0) {
    if (lengths.length > 0 || version === '1.0') throw new HttpError(400, 'Transfer-Encoding beside Content-Length, or in HTTP/1.0')
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') throw new HttpError(501, 'chunked is the one transfer coding here')
    return 'chunked'
  }
  const [length] = lengths
  if (length === undefined) return undefined
  if (lengths.length > 1 || !/^\d{1,15}$/.test(length)) throw new HttpError(400, 'not one Content-Length')
  return Number(length)
}

/** A head with its empty line, as bytes. BAD_ARGUMENT for what would not be read back the same. */
export function encodeHead(firstLine: string, fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  for (const [name, value] of fields) {
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new MeshError('BAD_ARGUMENT', `not a header field: ${name.slice(0, 80)}`)
  }
  return latin1Bytes(`${[firstLine, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`)
}

/** BAD_ARGUMENT for a method or target that is none. */
export function requestLine(method: string, target: string): string {
  if (!TOKEN.test(method) || !TARGET.test(target) || target.length > MAX_TARGET) throw new MeshError('BAD_ARGUMENT', 'not a method and a target')
  return `${method} ${target} HTTP/1.1`
}

/** A reason phrase is decoration: what cannot be sent is left out. */
export function statusLine(status: number, reason: string): string {
  return `HTTP/1.1 ${status} ${VALUE.test(reason) ? reason : ''}`
}

export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

export function latin1Text(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

function versionOf(major: string | undefined, minor: string | undefined): '1.0' | '1.1' {
  if (major !== '1') throw new HttpError(505, 'HTTP/1.1 is spoken here')
  // A higher minor version is read as the highest known one (RFC 9110 §2.5).
  return minor === '0' ? '1.0' : '1.1'
}

/** CR and LF stand for nothing but the end of a line. */
function splitLines(text: string): string[] {
  const lines = text.split('\r\n')
  if (lines.some((line) => /[\r\n\0]/.test(line))) throw new HttpError(400, 'CR, LF or NUL inside a line')
  return lines
}
