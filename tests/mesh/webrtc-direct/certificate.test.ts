/** The kept certificate: the same after each start, private on disk, refused when damaged. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createDirectCertificate, loadDirectCertificate } from '../../../src/transports/webrtc-direct/certificate.node.ts'
import { parseCerthash } from '../../../src/transports/webrtc-direct/wire.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'dmesh-certificate-'))
})
after(() => rm(root, { recursive: true, force: true }))

test('the certhash is the same after each start and differs between data directories', async () => {
  const first = await loadDirectCertificate(join(root, 'a'))
  const second = await loadDirectCertificate(join(root, 'a'))
  const other = await loadDirectCertificate(join(root, 'b'))
  assert.equal(first.certhash, second.certhash)
  assert.deepEqual(first.certificate, second.certificate)
  assert.notEqual(first.certhash, other.certhash)
  assert.deepEqual(parseCerthash(first.certhash), first.certificate.fingerprint)
})

test('it is P-256, signs itself, and has no end that matters', () => {
  const { certificate, fingerprint } = createDirectCertificate()
  const parsed = new X509Certificate(certificate)
  assert.equal(parsed.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.ok(parsed.verify(parsed.publicKey))
  assert.equal(parsed.validToDate.getUTCFullYear(), 9999)
  assert.equal(parsed.fingerprint256.replaceAll(':', '').toLowerCase(), Buffer.from(fingerprint).toString('hex'))
})

test('file 0600 in a 0700 directory, tightened when it is not, nothing left over', async () => {
  const dir = join(root, 'modes')
  await loadDirectCertificate(dir)
  const path = join(dir, 'webrtc-direct.pem')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.equal((await stat(dir)).mode & 0o777, 0o700)
  await chmod(path, 0o644)
  await loadDirectCertificate(dir)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(dir), ['webrtc-direct.pem'])
})

test('two starts at once agree on one certificate', async () => {
  const dir = join(root, 'twice')
  const both = await Promise.all([loadDirectCertificate(dir), loadDirectCertificate(dir)])
  const kept = await loadDirectCertificate(dir)
  assert.deepEqual(
    both.map(({ certhash }) => certhash),
    [kept.certhash, kept.certhash],
  )
})

test('a damaged file, a key of another certificate and a directory in its place are refused, never replaced', async () => {
  const dir = join(root, 'bad')
  const { certhash } = await loadDirectCertificate(dir)
  const path = join(dir, 'webrtc-direct.pem')
  const one = createDirectCertificate()
  const two = createDirectCertificate()
  for (const text of ['', 'nonsense', one.certificate, one.privateKey, one.privateKey + two.certificate, 'x'.repeat(20_000)]) {
    await writeFile(path, text)
    await assert.rejects(loadDirectCertificate(dir), { code: 'BAD_CONFIG' })
  }
  await writeFile(path, one.privateKey + one.certificate)
  assert.notEqual((await loadDirectCertificate(dir)).certhash, certhash)
  await assert.rejects(loadDirectCertificate(path), { code: 'STORAGE_FAILED' })
})
