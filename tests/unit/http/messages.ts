/** Reads a byte string as the requests that are in it, by ours and by Node.js's parser (llhttp), so that tests can compare them. */
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { drain, readBody } from '../../../src/protocols/http/body.ts'
import { MAX_HEAD } from '../../../src/protocols/http/limits.ts'
import { createSource } from '../../../src/protocols/http/source.ts'
import { hasOption, latin1Text, parseRequestHead, requestFraming } from '../../../src/protocols/http/wire.ts'
import { codeOf } from '../../../src/shared/errors.ts'

/** One request as one text: what two parsers must agree on. */
export interface ReadRequests {
  readonly requests: readonly string[]
  /** Why reading stopped: 'end', or the status or code of the error. */
  readonly end: string
}

/** The bytes in pieces of `step`, so that every boundary falls inside of something. */
export function streamOf(bytes: Uint8Array, step = bytes.byteLength || 1): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close()
      controller.enqueue(bytes.slice(at, at + step))
      at += step
    },
  })
}

export async function readByOurs(bytes: Uint8Array, step?: number): Promise<ReadRequests> {
  const source = createSource(streamOf(bytes, step))
  const requests: string[] = []
  try {
    for (;;) {
      const text = await source.head(MAX_HEAD)
      if (text === undefined) return { requests, end: 'end' }
      const head = parseRequestHead(text)
      let body = ''
      const pull = readBody(source, requestFraming(head))
      const whole = await drain(async () => {
        const piece = await pull()
        if (piece) body += latin1Text(piece)
        return piece
      }, Number.MAX_SAFE_INTEGER)
      if (whole) requests.push(JSON.stringify([head.method, head.target, head.version, head.fields.flat(), body]))
      // A sender that says it is done says nothing more.
      if (head.version === '1.0' || hasOption(head.fields, 'connection', 'close')) return { requests, end: 'closed' }
    }
  } catch (error) {
    return { requests, end: String((error as { status?: number }).status ?? codeOf(error)) }
  }
}

/** By the server of Node.js, which gets the same bytes on a connection of its own. */
export function readByNode(bytes: Uint8Array): Promise<ReadRequests> {
  return new Promise((resolve) => {
    const seen: { readonly request: IncomingMessage; body: string }[] = []
    const server = createServer({ maxHeaderSize: MAX_HEAD, requireHostHeader: true }, (request, response) => {
      const one = { request, body: '' }
      seen.push(one)
      request.setEncoding('latin1')
      request.on('data', (piece: string) => (one.body += piece))
      request.on('end', () => response.end())
    })
    // What was read whole before the error counts, and its events come later.
    const done = (end: string) => setTimeout(() => resolve({ requests: seen.filter(({ request }) => request.complete).map(textOf), end }), 2)
    server.on('clientError', (error: Error & { code?: string }) => done(error.code ?? 'error'))
    let sent = false
    const socket = new Duplex({
      read() {
        if (sent) return
        sent = true
        this.push(bytes)
        this.push(null)
      },
      write: (_chunk, _encoding, next) => next(),
      final(next) {
        next()
        done('end')
      },
    })
    socket.on('close', () => done('end'))
    socket.on('error', () => done('error'))
    server.emit('connection', socket)
  })
}

function textOf({ request, body }: { readonly request: IncomingMessage; readonly body: string }): string {
  return JSON.stringify([request.method, request.url, request.httpVersion, request.rawHeaders, body])
}
