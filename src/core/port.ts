/** Port: the one shape in which rooms see a message pipe between two of our own threads, whatever carries it. Must never be used across origins. */

export interface Port {
  /** Structured clone; what `transfer` lists is moved, not copied. Messages arrive once and in order. Ignored after close(). */
  post(message: unknown, transfer?: readonly object[]): void
  /** Sets the one listener. What came before is delivered first. */
  listen(receive: (message: unknown) => void): void
  /** The far end is not told: say goodbye first. Idempotent. */
  close(): void
}

/** What a MessagePort, a DedicatedWorkerGlobalScope and a BroadcastChannel have in common. */
export interface PortSource {
  postMessage(message: unknown, transfer?: object[]): void
  addEventListener(type: 'message', listen: (event: { readonly data: unknown }) => void): void
  start?(): void
  close?(): void
}

/** Takes the MessagePort over: nobody else may listen on it or close it. */
export function toPort(source: PortSource): Port {
  let receive: ((message: unknown) => void) | undefined
  let open = true
  source.addEventListener('message', ({ data }) => {
    if (open) receive?.(data)
  })
  return {
    post(message, transfer) {
      if (open) source.postMessage(message, transfer ? [...transfer] : [])
    },
    listen(next) {
      receive = next
      source.start?.()
    },
    close() {
      open = false
      source.close?.()
    },
  }
}
