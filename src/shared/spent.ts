/** Memory of used-up bytes, given back at once (docs/adr/0010): left to the garbage collector, each thread that bytes pass through piles up tens of MiB of them. Must never take memory that anybody may still read. */

/** Memory that came with one message of a connection and that no other message shares: its one reader so far, and where that reader's bytes end. */
const messages = new WeakMap<ArrayBufferLike, { reader?: object; end: number }>()
/** Memory whose bytes are read once, front to back, by one reader. */
const once = new WeakSet<ArrayBufferLike>()
let nobody: MessagePort | undefined

/** The caller made `bytes` or got them whole: they fill their memory and nobody else has a view of it. */
export function markMessage(bytes: Uint8Array): void {
  if (fills(bytes)) messages.set(bytes.buffer, { end: 0 })
}

/**
 * `bytes` of a message go to `reader`, who gets its bytes in order. When they are the message's last and never more than `header` bytes lay between what
 * this reader got, nobody else has any of it: `readOnce`.
 */
export function passOn(bytes: Uint8Array, reader: object, header: number): void {
  const { buffer, byteOffset, byteLength } = bytes
  const message = messages.get(buffer)
  if (!message) return
  const gap = byteOffset - message.end
  if ((message.reader ?? reader) !== reader || gap < 0 || gap > header) return void messages.delete(buffer)
  message.reader = reader
  message.end = byteOffset + byteLength
  readOnce(bytes)
}

/** From now on one reader gets `bytes`, reads them front to back and calls `spend` for what it has read. Whoever says so keeps no view. */
export function readOnce(bytes: Uint8Array): void {
  if (endsMemory(bytes)) once.add(bytes.buffer)
}

/** `bytes` were read or copied. If they are the last of memory that `readOnce` named, it goes, and every view of it with it; other memory is left alone. */
export function spend(bytes: Uint8Array): void {
  if (once.has(bytes.buffer) && endsMemory(bytes)) discard(bytes.buffer as ArrayBuffer)
}

/**
 * Give the memory back now: it is moved to a port that nobody holds, which every platform frees at once. (`transfer(0)` is not enough: Chromium keeps
 * memory that its own parts have seen until the next collection of garbage.) The buffer is empty afterwards.
 */
export function discard(buffer: ArrayBuffer): void {
  if (buffer.byteLength === 0) return
  nobody ??= portToNobody()
  nobody.postMessage(undefined, [buffer])
  // A port that has noticed takes nothing any more; then the next one does.
  if (buffer.byteLength > 0) nobody = undefined
}

function portToNobody(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port2.close()
  return port1
}

function endsMemory({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  return byteLength > 0 && byteOffset + byteLength === buffer.byteLength
}

function fills(bytes: Uint8Array): boolean {
  return bytes.byteOffset === 0 && endsMemory(bytes)
}
