/** `dmesh fetch`: get what a peer serves. */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { concat, toBase64url, toUtf8 } from '../../src/shared/bytes.ts'
import { MeshError, toMeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { FetchedHead } from '../local-api/protocol.ts'
import type { RequestOf } from '../local-api/requests.ts'
import { parseDuration } from './durations.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { printableLine } from './printable.ts'
import { findPeer, untilHere, whenReachable } from './ready.ts'

/** Bytes of a body from standard input; the local API takes it whole. */
const MAX_DATA = 1024 * 1024

export async function fetchCommand(call: CommandCall): Promise<number> {
  const { option, has, terminal, json, signal } = call
  const connected = await call.open()
  const { head, body } = await connected.client.fetch(await requestOf(call, connected), signal)
  if (json) terminal.out(JSON.stringify(head))
  else if (has('include')) terminal.out(headText(head))
  const output = option('output')
  if (output === undefined) await pipeline(body, terminal.output, { end: false })
  else await save(body, resolve(output))
  return head.status < 400 ? EXIT.ok : EXIT.failed
}

async function requestOf(call: CommandCall, connected: Connected): Promise<RequestOf<'fetch'>> {
  const { option, args } = call
  const data = await dataOf(call)
  const range = option('range')
  return {
    url: await urlOf(call, connected, args[0] ?? ''),
    method: option('method') ?? (data === undefined ? 'GET' : 'POST'),
    ...(range === undefined ? {} : { fields: [['range', `bytes=${range}`]] }),
    ...(data === undefined ? {} : { data: toBase64url(data) }),
  }
}

async function urlOf({ option, terminal }: CommandCall, connected: Connected, text: string): Promise<string> {
  const wait = parseDuration(option('wait') ?? '30s', '--wait')
  const [, named = '', service = '', rest = ''] = /^(?:dmesh:\/\/)?([^/]*?)(-[a-z0-9]{1,12})?(\/.*)?$/s.exec(text) ?? []
  await whenReachable(connected, wait)
  // Without the scheme a hyphen belongs to the name.
  const address = text.startsWith('dmesh://')
  const known = await findPeer(connected, address ? named : named + service, terminal.note)
  await untilHere(connected, known, wait)
  const name = option('name')
  return `dmesh://${known.peer}${name === undefined ? (address ? service : '') : `-${name}`}${rest || '/'}`
}

async function dataOf({ option, terminal }: CommandCall): Promise<Uint8Array | undefined> {
  const data = option('data')
  if (data !== '-') return data === undefined ? undefined : toUtf8(data)
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of terminal.input as AsyncIterable<Buffer>) {
    size += piece.byteLength
    if (size > MAX_DATA)
      throw new MeshError('FRAME_TOO_LARGE', `a body from standard input has at most ${MAX_DATA} bytes; send files with: dmesh send`)
    pieces.push(piece)
  }
  return concat(pieces)
}

/** Never over a file that is there, and never half of one. */
async function save(body: Readable, path: string): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx', flush: true })
  let ours = false
  file.once('open', () => (ours = true))
  await pipeline(body, file).catch(async (error: unknown) => {
    if (ours) await rm(path, { force: true })
    const { code } = error as NodeJS.ErrnoException
    throw code === 'EEXIST' ? new MeshError('BAD_ARGUMENT', `${path} is there already`) : toMeshError(error, 'STORAGE_FAILED')
  })
}

function headText({ status, fields }: FetchedHead): string {
  return [`HTTP/1.1 ${status}`, ...fields.map(([name, value]) => printableLine(`${name}: ${value}`, 4096)), ''].join('\n')
}
