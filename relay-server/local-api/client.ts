/** The command line's end of the local API: finds socket and token under the data directory. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import type { PeerInfo } from '../../src/core/mesh.ts'
import { errorFromWire, MeshError } from '../../src/shared/errors.ts'
import { ANSWER_TIMEOUT, MAX_ANSWER } from './limits.ts'
import { type IdAnswer, LOCAL_HOST, type LogRequest, localPaths, type PingAnswer, type PingRequest, type StatusAnswer } from './protocol.ts'

export interface LocalClient {
  id(): Promise<IdAnswer>
  peers(): Promise<readonly PeerInfo[]>
  status(): Promise<StatusAnswer>
  ping(request: PingRequest): Promise<PingAnswer>
  setLevel(request: LogRequest): Promise<StatusAnswer['levels']>
}

/** Each call fails with NOT_RUNNING when no relay answers there, PERMISSION_DENIED when it belongs to another user, or the relay's own code. */
export function createLocalClient(dataDir: string): LocalClient {
  // The answers come from our own program behind an owner-only socket: the shapes are taken as they are.
  const call = async <T>(method: 'GET' | 'POST', path: string, body?: unknown) => (await ask(dataDir, method, path, body)) as T
  return {
    id: () => call('GET', '/id'),
    peers: () => call('GET', '/peers'),
    status: () => call('GET', '/status'),
    ping: (body) => call('POST', '/ping', body),
    setLevel: (body) => call('POST', '/log', body),
  }
}

function ask(dataDir: string, method: string, path: string, body: unknown): Promise<unknown> {
  const { socket, token } = localPaths(dataDir)
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(toSentence(error, dataDir))
    const text = body === undefined ? undefined : JSON.stringify(body)
    let secret: string
    try {
      secret = readFileSync(token, 'utf8')
    } catch (error) {
      return fail(error)
    }
    const headers = {
      host: LOCAL_HOST,
      authorization: `Bearer ${secret}`,
      ...(text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
    }
    const outgoing = request({ socketPath: socket, method, path, headers, timeout: ANSWER_TIMEOUT, agent: false }, (incoming) => {
      const chunks: Buffer[] = []
      let size = 0
      incoming.on('error', fail)
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.byteLength
        if (size > MAX_ANSWER) incoming.destroy(new MeshError('FRAME_TOO_LARGE', `the answer has more than ${MAX_ANSWER} bytes`))
        chunks.push(chunk)
      })
      incoming.on('end', () => {
        try {
          const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { error?: unknown }
          if (incoming.statusCode === 200) resolve(value)
          else reject(errorFromWire(value.error))
        } catch (error) {
          fail(error)
        }
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new MeshError('TIMEOUT', `the relay gave no answer in ${ANSWER_TIMEOUT} ms`)))
    outgoing.on('error', fail)
    outgoing.end(text)
  })
}

function toSentence(error: unknown, dataDir: string): MeshError {
  if (error instanceof MeshError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new MeshError('NOT_RUNNING', `No relay runs with ${dataDir}. Start one with: npx dmesh relay --data-dir ${dataDir}`, { cause: error })
  }
  if (code === 'EACCES')
    return new MeshError('PERMISSION_DENIED', `The relay in ${dataDir} belongs to another user. Run this command as that user.`, { cause: error })
  return new MeshError('NOT_RUNNING', `The relay in ${dataDir} does not answer (${code ?? String(error)}).`, { cause: error })
}
