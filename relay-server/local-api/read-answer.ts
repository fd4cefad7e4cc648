/** Reads what the local API answers: one JSON text, or JSON lines until the peer ends them. Never holds more than a cap. */
import type { IncomingMessage } from 'node:http'
import { abortError } from '../../src/shared/async.ts'
import { errorFromWire, MeshError } from '../../src/shared/errors.ts'
import { MAX_LINE } from './limits.ts'

/** NOT_RUNNING when the peer went away in the middle, FRAME_TOO_LARGE above `most` bytes. */
export async function readJson(incoming: IncomingMessage, most: number): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of whole(incoming)) {
    size += chunk.byteLength
    if (size > most) throw new MeshError('FRAME_TOO_LARGE', `the answer has more than ${most} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new MeshError('NOT_RUNNING', 'the peer stopped in the middle of its answer', { cause })
  }
}

/** A line `{ error }` is thrown, and ABORTED when the signal fired. Whoever stops reading closes the connection. */
export async function* readLines(incoming: IncomingMessage, signal: AbortSignal): AsyncGenerator<unknown> {
  let rest: Buffer[] = []
  let size = 0
  for await (const chunk of whole(incoming, signal)) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const text = Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8')
      from = end + 1
      rest = []
      size = 0
      if (text !== '') yield lineOf(text)
    }
    rest.push(chunk.subarray(from))
    size += chunk.byteLength - from
    if (size > MAX_LINE) throw new MeshError('FRAME_TOO_LARGE', `a line has more than ${MAX_LINE} bytes`)
  }
}

function lineOf(text: string): unknown {
  const line = JSON.parse(text) as { readonly error?: unknown }
  if (line.error !== undefined) throw errorFromWire(line.error)
  return line
}

async function* whole(incoming: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* incoming as AsyncIterable<Buffer>
  } catch (error) {
    if (signal?.aborted) throw abortError(signal)
    if (error instanceof MeshError) throw error
    throw new MeshError('NOT_RUNNING', 'the peer stopped, or closed the connection', { cause: error })
  }
}
