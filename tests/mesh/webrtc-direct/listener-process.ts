/** A listener in a process of its own, for tests that may kill, restart or measure it. Argument: VictimOptions as JSON. Answers each message of its parent with counters. */

import { codeOf } from '../../../src/shared/errors.ts'
import { loadDirectCertificate } from '../../../src/transports/webrtc-direct/certificate.node.ts'
import { addressOf, NEVER, ourNode } from './nodes.ts'
import type { VictimOptions } from './stun-flood.ts'

const { limits, dir, listen }: VictimOptions = JSON.parse(process.argv[2] ?? '{}')
const certificate = dir === undefined ? undefined : (await loadDirectCertificate(dir)).certificate
const { node, door } = await ourNode({ limits, certificate, listen })
/** How each stream of NEVER ended: a code, or 'open'. */
const unread: string[] = []
await node.handle(NEVER, (stream) => {
  const at = unread.push('open') - 1
  stream.addEventListener('close', ({ error }) => {
    unread[at] = error ? codeOf(error) : 'closed'
  })
  stream.pause()
})
/** Bytes that are in use, whatever the collector has not taken yet. */
function held(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
process.on('message', () => process.send?.({ address: addressOf(node).toString(), pending: door.pending(), held: held(), unread, ...door.counters }))
process.on('disconnect', () => void node.stop())
process.send?.({ ready: true })
