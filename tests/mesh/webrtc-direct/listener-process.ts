/** A listener in a process of its own, for tests that may kill or restart it. Argument: VictimOptions as JSON. Answers each message of its parent with counters. */
import { loadDirectCertificate } from '../../../src/transports/webrtc-direct/certificate.node.ts'
import { addressOf, ourNode } from './nodes.ts'
import type { VictimOptions } from './stun-flood.ts'

const { limits, dir, listen }: VictimOptions = JSON.parse(process.argv[2] ?? '{}')
const certificate = dir === undefined ? undefined : (await loadDirectCertificate(dir)).certificate
const { node, door } = await ourNode({ limits, certificate, listen })
process.on('message', () => process.send?.({ address: addressOf(node).toString(), pending: door.pending(), ...door.counters }))
process.on('disconnect', () => void node.stop())
process.send?.({ ready: true })
