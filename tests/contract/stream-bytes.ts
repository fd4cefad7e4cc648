/** Whole streams as bytes, for the contract suites. Uses web platform APIs alone. */
import type { PeerStream } from '../../src/core/peer-stream.ts'

export async function writeAll(stream: PeerStream, bytes: Uint8Array): Promise<void> {
  const writer = stream.writable.getWriter()
  for (let at = 0; at < bytes.byteLength; at += 65_536) await writer.write(bytes.subarray(at, at + 65_536))
  await writer.close()
}

export async function readAll(stream: PeerStream): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let size = 0
  for (const reader = stream.readable.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    size += value.byteLength
  }
  const all = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.byteLength
  }
  return all
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
