/** Lets the first messages of a channel travel inside the message that announces it, so that a stream and its first bytes wake the other thread once. */
import type { Port } from '../core/port.ts'
import { afterTask } from '../shared/async.ts'

/** What this task posts is given to `announce`, once, together with what it moves; later messages go their own way. */
export function gathered(port: Port, announce: (first: readonly unknown[], transfer: readonly object[]) => void): Port {
  let first: unknown[] | undefined = []
  const moved: object[] = []
  void afterTask(() => {
    const messages = first ?? []
    first = undefined
    announce(messages, moved)
  })
  return {
    ...port,
    post(message, transfer = []) {
      if (!first) return port.post(message, transfer)
      first.push(message)
      moved.push(...transfer)
    },
  }
}

/** The other end: hears `first` before everything else. */
export function preceded(port: Port, first: readonly unknown[]): Port {
  return {
    ...port,
    listen(receive) {
      for (const message of first) receive(message)
      port.listen(receive)
    },
  }
}
