/** B3: what each side does in its page: send to the relay, or take from it, for `ms`. Given to the page as text, so no imports. The takers leave the count in `globalThis.received`. */

interface Received {
  received: number
}

type Ends = { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array>; abort(): void }
type Api = { open(peer: string, protocol: string): Promise<Ends> }

export async function oursUp([peer, ms]: readonly [string, number]): Promise<void> {
  const stream = await (globalThis as unknown as { dmesh: Api }).dmesh.open(peer, '/x/sink/1.0.0')
  const writer = stream.writable.getWriter()
  const chunk = new Uint8Array(64 * 1024)
  const end = performance.now() + ms
  while (performance.now() < end) await writer.write(chunk)
  stream.abort()
}

export async function oursDown([peer, ms]: readonly [string, number]): Promise<void> {
  const scope = globalThis as unknown as Received & { dmesh: Api }
  scope.received = 0
  const stream = await scope.dmesh.open(peer, '/x/source/1.0.0')
  const reader = stream.readable.getReader()
  const end = performance.now() + ms
  while (performance.now() < end) scope.received += (await reader.read()).value?.byteLength ?? 0
  stream.abort()
}

/** A bare WebSocket; at `url` somebody counts (up) or sends without end (down). */
export async function rawUp([url, ms]: readonly [string, number]): Promise<void> {
  const socket = new WebSocket(url)
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
  const chunk = new Uint8Array(64 * 1024)
  const end = performance.now() + ms
  while (performance.now() < end) {
    socket.send(chunk)
    // WebSocket has no event for this
    while (socket.bufferedAmount > 1024 * 1024) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  socket.close()
}

export async function rawDown([url, ms]: readonly [string, number]): Promise<void> {
  const scope = globalThis as unknown as Received
  scope.received = 0
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.onmessage = ({ data }) => {
    scope.received += (data as ArrayBuffer).byteLength
  }
  await new Promise((resolve) => setTimeout(resolve, ms))
  socket.close()
}
