/** The parts of a relay that are read or checked before anything listens: certificate files, UDP ports, version. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { createServer, isIP } from 'node:net'
import { join } from 'node:path'
import { MeshError } from '../src/shared/errors.ts'
import type { RelayConfig } from './config/config.ts'
import { listenError } from './front/server.ts'

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** BAD_CONFIG when a file cannot be read, or everybody can read the key. */
export function readTls(tls: RelayConfig['tls']): TlsFiles | undefined {
  if (!tls) return undefined
  const key = read(tls.keyFile, '--tls-key')
  if (process.platform !== 'win32' && (statSync(tls.keyFile).mode & 0o007) !== 0) {
    throw new MeshError('BAD_CONFIG', `--tls-key ${tls.keyFile} can be read by everybody on this computer. Run: chmod o= ${tls.keyFile}`)
  }
  return { cert: read(tls.certFile, '--tls-cert'), key }
}

function read(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new MeshError('BAD_CONFIG', `${flag} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}

/** The native listeners do not say why they failed, so the port is tried first. PORT_IN_USE, BAD_CONFIG. */
export async function checkUdpPort(host: string, port: number, flag: string): Promise<void> {
  if (port === 0) return
  const socket = createSocket({ type: isIP(host) === 6 ? 'udp6' : 'udp4', reuseAddr: false })
  try {
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    throw listenError(error, { host, port }, flag)
  } finally {
    await new Promise<void>((done) => socket.close(done))
  }
}

/** libp2p goes on when one of several listeners fails, so the port is tried first. PORT_IN_USE, PERMISSION_DENIED, BAD_CONFIG. */
export async function checkTcpPort(host: string, port: number, flag: string): Promise<void> {
  if (port === 0) return
  const server = createServer()
  try {
    server.listen({ port, host, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error, { host, port }, flag)
  } finally {
    server.close()
  }
}

/** From package.json of `root`. */
export function readVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  return version
}
