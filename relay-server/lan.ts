/** What --mdns does: announces this peer on the networks of this computer, and connects to whoever is found there and is not connected yet. Must send nothing unless it was asked for. */
import { orderAddresses } from '../src/core/address.ts'
import { startMdns } from '../src/discovery/mdns/mdns.node.ts'
import type { MeshHost } from '../src/mesh/parts.ts'
import type { Clock } from '../src/shared/clock.ts'
import { codeOf } from '../src/shared/errors.ts'
import type { Log } from '../src/shared/log.ts'

export interface LanParts {
  readonly mesh: Pick<MeshHost, 'peer' | 'addresses' | 'connect' | 'why'>
  readonly clock: Clock
  readonly log: Log
}

/** Runs until `stack` closes. */
export function openLan({ mesh, clock, log }: LanParts, stack: AsyncDisposableStack): void {
  const stop = new AbortController()
  const dial = async (peer: string, addresses: readonly string[]) => {
    if ((await mesh.why(peer)).path !== 'away') return
    for (const address of orderAddresses(addresses)) {
      try {
        await mesh.connect(address, { signal: stop.signal })
        log('mdns.connected', { peer, address })
        return
      } catch (error) {
        log('mdns.dial.failed', { peer, address, code: codeOf(error) }, 'debug')
      }
    }
  }
  const found = (peer: string, addresses: readonly string[]) =>
    void dial(peer, addresses).catch((error: unknown) => log('mdns.dial.failed', { peer, code: codeOf(error) }, 'debug'))
  const mdns = startMdns({ me: mesh.peer, addresses: mesh.addresses, found, clock, log })
  stack.defer(async () => {
    stop.abort()
    await mdns.close()
  })
}
