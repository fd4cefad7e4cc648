/** The relay's own DTLS certificate: self-signed P-256, made once and kept as PEM files in the data directory, so that its certhash never changes (docs/adr/0007). Must never leave the key readable to others. */
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MeshError } from '../../shared/errors.ts'
import { formatCerthash } from './wire.ts'

export interface DirectCertificate {
  /** PEM. */
  readonly certificate: string
  /** PKCS #8 PEM; secret. */
  readonly privateKey: string
  /** SHA-256 of the DER, 32 bytes. */
  readonly fingerprint: Uint8Array<ArrayBuffer>
}

const FILE = 'webrtc-direct.pem'
/** Bytes; key and certificate need about 700. */
const MAX_FILE = 16_384

/** Load `dir`/webrtc-direct.pem, or make it (0600, in a 0700 directory). BAD_CONFIG when it holds no P-256 pair, STORAGE_FAILED when it cannot be read or written. */
export async function loadDirectCertificate(dir: string): Promise<{ readonly certificate: DirectCertificate; readonly certhash: string }> {
  const path = join(dir, FILE)
  if ((await read(path)) === undefined) await writeOnce(dir, path)
  const certificate = parse((await read(path)) ?? '', path)
  return { certificate, certhash: formatCerthash(certificate.fingerprint) }
}

async function read(path: string): Promise<string | undefined> {
  try {
    const { size, mode } = await stat(path)
    if (size > MAX_FILE) throw new MeshError('BAD_CONFIG', `${path}: ${size} bytes is no certificate`)
    if ((mode & 0o077) !== 0) await chmod(path, 0o600)
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof MeshError) throw error
    throw new MeshError('STORAGE_FAILED', `${path}: ${(error as Error).message}`, { cause: error })
  }
}

/** A hard link fails where the name is taken, unlike a rename: of two processes that start at once, one wins and both read the same. */
async function writeOnce(dir: string, path: string): Promise<void> {
  const { certificate, privateKey } = createDirectCertificate()
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`${privateKey}${certificate}`)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } catch (error) {
    throw new MeshError('STORAGE_FAILED', `${path}: ${(error as Error).message}`, { cause: error })
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
}

function parse(text: string, path: string): DirectCertificate {
  try {
    const key = createPrivateKey(text)
    const certificate = new X509Certificate(text)
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1' || !certificate.checkPrivateKey(key))
      throw new Error('not a P-256 key with its certificate')
    return describe(certificate, key.export({ type: 'pkcs8', format: 'pem' }) as string)
  } catch (error) {
    throw new MeshError('BAD_CONFIG', `${path}: ${(error as Error).message}; remove it to get a new one, which changes the relay's address`, {
      cause: error,
    })
  }
}

function describe(certificate: X509Certificate, privateKey: string): DirectCertificate {
  return { certificate: certificate.toString(), privateKey, fingerprint: new Uint8Array(createHash('sha256').update(certificate.raw).digest()) }
}

/** A new pair, kept nowhere. No name and no end (RFC 5280 §4.1.2.5): what counts is only its hash in the address. */
export function createDirectCertificate(): DirectCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(COMMON_NAME, der(0x0c, Buffer.from('dmesh')))))
  const validity = sequence(der(0x17, Buffer.from('240101000000Z')), der(0x18, Buffer.from('99991231235959Z')))
  const serial = randomBytes(16)
  // Positive and of full length, as DER demands.
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40
  const version = der(0xa0, der(0x02, Buffer.of(2)))
  const body = sequence(version, der(0x02, serial), ECDSA_SHA256, name, validity, name, publicKey.export({ type: 'spki', format: 'der' }))
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, privateKey)]))
  const certificate = new X509Certificate(sequence(body, ECDSA_SHA256, signature))
  return describe(certificate, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
}

const COMMON_NAME = Buffer.from('0603550403', 'hex') // OID 2.5.4.3
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex') // OID 1.2.840.10045.4.3.2

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

function set(part: Buffer): Buffer {
  return der(0x31, part)
}

/** Tag, length, value. Values here are below 64 KiB. */
function der(tag: number, value: Buffer): Buffer {
  const size = value.byteLength
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.of(tag, ...length), value])
}
