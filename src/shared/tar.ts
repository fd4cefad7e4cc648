/** Folders as one stream of bytes: tar (POSIX ustar, with pax records for long and other than ASCII paths), made lazily from Blobs and read piece by piece. Must give no link and no device, and hold one block. */
import { toUtf8 } from './bytes.ts'
import { MeshError } from './errors.ts'

export interface TarSource {
  /** Relative, with /. */
  readonly path: string
  readonly blob: Blob
  /** ms since 1970. */
  readonly mtime: number
}

export interface TarFile {
  /** As the maker wrote it: may say anything. */
  readonly path: string
  readonly size: number
  /** To be read to its end, or left alone, before the next file is asked for. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Files of one folder; each costs a handle's worth of memory while it is sent. Above it the folder wants an archiver. */
export const MAX_TAR_FILES = 10_000

const BLOCK = 512
const MAX_PLAIN = 100 // bytes of a path in the header itself
const MAX_PAX = 65_536 // bytes of a pax record: a path of 4 KiB and some that others write
const OCTAL_SIZE = 0o77777777777 // the largest size in eleven octal digits

/** Nothing is read before the Blob is. The same files give the same bytes. */
export function tarParts(files: readonly TarSource[]): (Blob | Uint8Array<ArrayBuffer>)[] {
  const parts = files.flatMap(({ path, blob, mtime }) => [...headers(path, blob.size, mtime), blob, padding(blob.size)])
  return [...parts, new Uint8Array(2 * BLOCK)]
}

function headers(path: string, size: number, mtime: number): Uint8Array<ArrayBuffer>[] {
  const bytes = toUtf8(path)
  if (bytes.byteLength <= MAX_PLAIN && bytes.every((byte) => byte < 0x80)) return [header(bytes, size, mtime, '0')]
  const record = paxRecord(path)
  return [
    header(toUtf8('pax'), record.byteLength, mtime, 'x'),
    record,
    padding(record.byteLength),
    header(bytes.subarray(0, MAX_PLAIN), size, mtime, '0'),
  ]
}

/** `LENGTH path=PATH\n`, where LENGTH counts itself. */
function paxRecord(path: string): Uint8Array<ArrayBuffer> {
  const rest = toUtf8(` path=${path}\n`).byteLength
  let length = rest + String(rest).length
  if (String(length).length > String(rest).length) length++
  return toUtf8(`${length} path=${path}\n`)
}

function header(name: Uint8Array, size: number, mtime: number, type: '0' | 'x'): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK)
  const text = (at: number, value: string) => block.set(toUtf8(value), at)
  block.set(name)
  text(100, '0000644\0')
  text(108, '0000000\0')
  text(116, '0000000\0')
  writeSize(block, size)
  text(
    136,
    `${Math.max(0, Math.floor(mtime / 1000))
      .toString(8)
      .padStart(11, '0')
      .slice(-11)}\0`,
  )
  text(148, '        ')
  text(156, type)
  text(257, 'ustar\x0000')
  text(148, `${sum(block).toString(8).padStart(6, '0')}\0 `)
  return block
}

function writeSize(block: Uint8Array, size: number): void {
  if (size <= OCTAL_SIZE) return block.set(toUtf8(`${size.toString(8).padStart(11, '0')}\0`), 124)
  block[124] = 0x80
  new DataView(block.buffer).setBigUint64(128, BigInt(size))
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

/** Sum of the bytes with the sum's own field as spaces. */
function sum(block: Uint8Array): number {
  return block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
}

/** The files in order; folders by themselves are left out. BAD_FRAME for what is no tar, and for links and devices. Reads `source` to its end. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const input = createInput(source)
  let long: string | undefined
  for (;;) {
    const block = await input.take(BLOCK)
    if (block.every((byte) => byte === 0)) break
    const { path, size, type } = readHeader(block)
    if (type === 'x') {
      if (size > MAX_PAX) throw new MeshError('BAD_FRAME', `a pax record of ${size} bytes`)
      long = readPath(await input.take(size)) ?? long
      await input.skip((BLOCK - (size % BLOCK)) % BLOCK)
      continue
    }
    if (type !== '0' && type !== '5') throw new MeshError('BAD_FRAME', 'the folder holds something that is no file')
    if (type === '0') {
      let read = 0
      async function* body() {
        for await (const piece of input.body(size)) {
          read += piece.byteLength
          yield piece
        }
      }
      yield { path: long ?? path, size, body: body() }
      await input.skip(size - read + ((BLOCK - (size % BLOCK)) % BLOCK))
    }
    long = undefined
  }
  await input.rest()
}

function readHeader(block: Uint8Array): { path: string; size: number; type: string } {
  const claimed = octal(block.subarray(148, 156))
  if (claimed !== sum(block)) throw new MeshError('BAD_FRAME', 'what was sent as a folder is none')
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156] as number)
  const large = block[124] === 0x80
  const size = large ? Number(new DataView(block.buffer, block.byteOffset).getBigUint64(128)) : octal(block.subarray(124, 136))
  if (!Number.isSafeInteger(size)) throw new MeshError('BAD_FRAME', 'a file of unknown size in a folder')
  const prefix = textOf(block.subarray(345, 500))
  return { path: `${prefix === '' ? '' : `${prefix}/`}${textOf(block.subarray(0, 100))}`, size, type }
}

/** NaN for anything else. */
function octal(field: Uint8Array): number {
  const text = textOf(field).trim()
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

function textOf(field: Uint8Array): string {
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

function readPath(record: Uint8Array): string | undefined {
  const found = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(record))
  return found?.[1]
}

function createInput(source: AsyncIterable<Uint8Array>) {
  const iterator = source[Symbol.asyncIterator]()
  let chunk = new Uint8Array(0) as Uint8Array
  /** At most `most` bytes, some. */
  const some = async (most: number): Promise<Uint8Array> => {
    while (chunk.byteLength === 0) {
      const { done, value } = await iterator.next()
      if (done) throw new MeshError('BAD_FRAME', 'the folder ends in the middle')
      chunk = value
    }
    const taken = chunk.subarray(0, most)
    chunk = chunk.subarray(taken.byteLength)
    return taken
  }
  async function* body(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; ) {
      const piece = await some(left)
      left -= piece.byteLength
      yield piece
    }
  }
  return {
    body,
    async take(size: number): Promise<Uint8Array> {
      const out = new Uint8Array(size)
      let at = 0
      for await (const piece of body(size)) {
        out.set(piece, at)
        at += piece.byteLength
      }
      return out
    },
    async skip(size: number): Promise<void> {
      for await (const _ of body(size));
    },
    async rest(): Promise<void> {
      for (let next = await iterator.next(); !next.done; next = await iterator.next());
    },
  }
}
