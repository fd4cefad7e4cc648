/** /dmesh/code/1.0.0: a joiner who knows a short code gets the invite it stands for, from the device that made it. Must never answer a second guess at one code. */

import type { PeerStream } from '../../core/peer-stream.ts'
import type { CodeHooks, CodeService } from '../../core/private-mesh.ts'
import type { Protocol, ProtocolHost } from '../../core/protocol.ts'
import { withDeadline } from '../../shared/async.ts'
import { fromBase64url, toBase64url } from '../../shared/bytes.ts'
import { errorFromWire, errorToWire, MeshError } from '../../shared/errors.ts'
import { createFrameReader, type FrameReader } from '../../wire/frame.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { EXCHANGE_TIMEOUT, MAX_FRAME, TRIES_AT_ONCE, TRIES_PER_MINUTE } from './limits.ts'
import { type CodeFrame, decodeCode, encodeCode, VERSION } from './wire.ts'

export function createCodes(hooks: CodeHooks): Protocol<CodeService> {
  return {
    ids: [PROTOCOL.code],
    may: 'mesh.code',
    row: {
      id: 'code',
      who: ['lobby', 'member', 'own'],
      may: ['mesh.code'],
      limits: { rate: TRIES_PER_MINUTE, concurrent: TRIES_AT_ONCE },
      label: 'People who are here: use a short code that I give them',
    },
    start: (host) => ({
      service: { enter: (peer, code, signal) => enter(host, hooks, peer, code, signal) },
      serve: (stream) => serve(host, hooks, stream),
    }),
  }
}

async function enter(host: ProtocolHost, hooks: CodeHooks, peer: string, code: string, signal: AbortSignal | undefined): Promise<string> {
  const session = crypto.getRandomValues(new Uint8Array(16))
  const run = await hooks.start(code, { issuer: peer, joiner: host.identity.peer }, session, 'joiner')
  return withDeadline(host.clock, EXCHANGE_TIMEOUT, 'the device that made this code', signal, async (own) => {
    const stream = await host.open(peer, PROTOCOL.code, { signal: own })
    try {
      const line = lineOf(stream, own)
      await line.write({ t: 'start', v: VERSION, session: toBase64url(session), share: toBase64url(run.share) })
      const key = run.finish(bytesOf((await line.read('share')).share))
      await line.write({ t: 'proof', proof: toBase64url(key.proof) })
      return await key.open(bytesOf((await line.read('invite')).box))
    } finally {
      stream.abort(new MeshError('CLOSED', 'the exchange is over'))
    }
  })
}

async function serve({ clock, identity }: ProtocolHost, hooks: CodeHooks, stream: PeerStream): Promise<void> {
  await withDeadline(clock, EXCHANGE_TIMEOUT, 'a code', undefined, async (signal) => {
    const line = lineOf(stream, signal)
    try {
      const { session, share } = await line.read('start')
      // Spent before anything is said: whatever comes next, nobody tries it again.
      const spent = hooks.spend()
      if (!spent) throw new MeshError('CODE_WRONG', 'no code waits here')
      const run = await hooks.start(spent.code, { issuer: identity.peer, joiner: stream.peer }, bytesOf(session), 'issuer')
      const key = run.finish(bytesOf(share))
      await line.write({ t: 'share', share: toBase64url(run.share) })
      const { proof } = await line.read('proof')
      if (!key.proves(bytesOf(proof))) throw new MeshError('CODE_WRONG', 'that was not the code')
      await line.write({ t: 'invite', box: toBase64url(await key.seal(await spent.invite())) })
    } catch (error) {
      const { code, message } = errorToWire(error)
      await line.write({ t: 'error', code, message }).catch(() => undefined)
    }
    await line.close()
  })
}

function lineOf(stream: PeerStream, signal: AbortSignal) {
  const reader = createFrameReader(stream.readable)
  const writer = stream.writable.getWriter()
  writer.closed.catch(() => undefined)
  return {
    write: (frame: CodeFrame) => writer.write(encodeCode(frame)),
    read: <T extends CodeFrame['t']>(t: T) => next(reader, t, signal),
    close: () => writer.close(),
  }
}

async function next<T extends CodeFrame['t']>(reader: FrameReader, t: T, signal: AbortSignal): Promise<CodeFrame & { t: T }> {
  const bytes = await reader.read(MAX_FRAME, signal)
  if (!bytes) throw new MeshError('PATH_LOST', 'the other side ended the exchange')
  const frame = decodeCode(bytes)
  if (frame.t === 'error') throw errorFromWire(frame)
  if (frame.t !== t) throw new MeshError('BAD_FRAME', `${frame.t} in place of ${t}`)
  return frame as CodeFrame & { t: T }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return fromBase64url(text) ?? new Uint8Array()
}
