/** The identity of a Node.js peer: a JWK Set (RFC 7517, RFC 8037) in one 0600 file of a private directory. Must never overwrite a file that exists, nor read one that others can. */
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Identity } from '../core/identity.ts'
import { fromBase64url, toBase64url } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'
import { createIdentity, type SealingKey, type SigningKey, type VerifyRaw } from './keys.ts'
import { MAX_CACHED_KEYS, MAX_IDENTITY_FILE_BYTES } from './limits.ts'

const FILE = 'identity.json'

/**
 * Load the keys in `dir`/identity.json, making directory (0700) and file (0600) on the first start. Two processes that start at once get the same keys.
 * PERMISSION_DENIED when others could read or replace it, BAD_CONFIG when it is not what was written, STORAGE_FULL, STORAGE_FAILED.
 */
export async function loadFileIdentity(dir: string): Promise<Identity> {
  const path = join(dir, FILE)
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await refuseSharedDirectory(dir)
    const known = await readPrivate(path)
    if (known !== undefined) return await identityOf(path, known, false)
    const isNew = await writeOnce(path, makeDocument())
    return await identityOf(path, (await readPrivate(path)) ?? '', isNew)
  } catch (error) {
    throw toFileError(error, path)
  }
}

function makeDocument(): string {
  const keys = (['ed25519', 'x25519'] as const).map((curve) => ({
    // The first overload of the types covers RSA only; both curves take no options.
    ...(curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519')).privateKey.export({ format: 'jwk' }),
    use: curve === 'ed25519' ? 'sig' : 'enc',
  }))
  return `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`
}

/** The text of a file that only its owner can read; undefined when there is none. The check is made on the open handle, so nobody can swap the file after it. */
async function readPrivate(path: string): Promise<string | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mode, size } = await handle.stat()
    if (hasModes() && (mode & 0o077) !== 0) {
      throw new MeshError('PERMISSION_DENIED', `other users can read the private key in ${path} (mode ${octal(mode)}); run: chmod 600 ${path}`)
    }
    if (size > MAX_IDENTITY_FILE_BYTES) throw new MeshError('BAD_CONFIG', `${path} has ${size} bytes: that is no identity file`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

/** Whoever can write to the directory can put a key of theirs in place of ours. */
async function refuseSharedDirectory(dir: string): Promise<void> {
  const { mode } = await stat(dir)
  if (hasModes() && (mode & 0o022) !== 0) {
    throw new MeshError('PERMISSION_DENIED', `other users can replace the private key in ${dir} (mode ${octal(mode)}); run: chmod 700 ${dir}`)
  }
}

/** Temporary file, fsync, then a hard link, which unlike a rename fails when the name is taken. False when another process was first. */
async function writeOnce(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    try {
      await link(temporary, path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return false
      // File systems without hard links (FAT, some network mounts) cannot arbitrate a race; a rename is still all or nothing.
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
      await rename(temporary, path)
    }
    await syncDirectory(dirname(path))
    return true
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Makes the new name survive a power cut. Some systems cannot open directories; then the file system's own order has to do. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, constants.O_RDONLY).catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}

async function identityOf(path: string, text: string, isNew: boolean): Promise<Identity> {
  const keys = parseKeys(path, text)
  const signing: SigningKey = { publicKey: publicOf(keys.sig), sign: async (data) => new Uint8Array(sign(null, data, keys.sig)) }
  const sealing: SealingKey = {
    publicKey: publicOf(keys.enc),
    agree: async (publicKey) => new Uint8Array(diffieHellman({ privateKey: keys.enc, publicKey: importPublic('X25519', publicKey) })),
  }
  return createIdentity({ signing, sealing, verifyRaw: createNodeVerifier(), isNew })
}

function parseKeys(path: string, text: string): { sig: KeyObject; enc: KeyObject } {
  const bad = (why: string, cause?: unknown) =>
    new MeshError('BAD_CONFIG', `${path} is damaged (${why}); put a backup in its place, or move it away to start as a new peer`, { cause })
  let document: { version?: unknown; keys?: unknown }
  try {
    document = (JSON.parse(text) ?? {}) as typeof document
  } catch (cause) {
    // The cause is left out: its message quotes the text, which is the key.
    throw bad('no JSON', cause instanceof SyntaxError ? undefined : cause)
  }
  if (document.version !== 1) throw bad('unknown version')
  const list = Array.isArray(document.keys) ? (document.keys as JsonWebKey[]) : []
  const pick = (crv: string): KeyObject => {
    const jwk = list.find((key) => key?.kty === 'OKP' && key.crv === crv)
    if (!jwk) throw bad(`no ${crv} key`)
    let key: KeyObject
    try {
      key = createPrivateKey({ key: jwk, format: 'jwk' })
    } catch {
      throw bad(`no valid ${crv} key`)
    }
    if (toBase64url(publicOf(key)) !== jwk.x) throw bad(`the halves of the ${crv} key do not belong together`)
    return key
  }
  return { sig: pick('Ed25519'), enc: pick('X25519') }
}

function publicOf(key: KeyObject): Uint8Array<ArrayBuffer> {
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  const bytes = fromBase64url(x ?? '')
  if (!bytes) throw new MeshError('INTERNAL', 'a public key without its x coordinate')
  return bytes
}

function importPublic(crv: 'Ed25519' | 'X25519', publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv, x: toBase64url(publicKey) }, format: 'jwk' })
}

/** Verification by node:crypto, in this thread: handing 64 bytes to the thread pool takes longer than the check. */
function createNodeVerifier(): VerifyRaw {
  const cache = new Map<string, KeyObject>()
  return async (publicKey, data, signature) => {
    const id = toBase64url(publicKey)
    try {
      let key = cache.get(id)
      if (!key) {
        key = importPublic('Ed25519', publicKey)
        if (cache.size >= MAX_CACHED_KEYS) cache.delete(cache.keys().next().value as string)
        cache.set(id, key)
      }
      return verify(null, data, key, signature)
    } catch {
      return false
    }
  }
}

/** Windows has no such bits; there the profile directory's own rights protect the file. */
function hasModes(): boolean {
  return process.platform !== 'win32'
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

function toFileError(error: unknown, path: string): MeshError {
  if (error instanceof MeshError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new MeshError('PERMISSION_DENIED', `the system refused ${path} (${code})`, { cause: error })
  if (code === 'ENOSPC' || code === 'EDQUOT') return new MeshError('STORAGE_FULL', `no space left for ${path}`, { cause: error })
  return new MeshError('STORAGE_FAILED', `${path} could not be read or written (${code ?? 'unknown'})`, { cause: error })
}
