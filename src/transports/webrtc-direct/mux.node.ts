/** The UDP port that all connections of a listener share. The native side reads an unset flag when it stops, so it gives the port back or not as chance will have it (README, known gaps): nothing may count on listening there again in the same process. */
import { createRequire } from 'node:module'
import { IceUdpMuxListener } from 'node-datachannel'
import { MeshError } from '../../shared/errors.ts'
import type { Site } from './wire.ts'

/** A STUN Binding request of a dialer that no connection belongs to; all of it is the sender's choice. */
export interface MuxRequest {
  /** The dialer's half of the USERNAME. */
  readonly ufrag: string
  /** Our half. */
  readonly localUfrag: string
  readonly host: string
  readonly port: number
}

/** Hand requests on `site` to `on` until the returned function is called. PORT_IN_USE. */
export function openMux({ host, port }: Site, on: (request: MuxRequest) => void): () => void {
  quietNative()
  try {
    const mux = new IceUdpMuxListener(port, host)
    mux.onUnhandledStunRequest(on)
    // Without stop() the process could not end.
    return () => mux.stop()
  } catch (error) {
    throw new MeshError('PORT_IN_USE', `UDP ${host}:${port}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Silence the native log below 'Fatal': it prints a line, with text of the sender's choice, for each malformed packet.
 * Takes effect with the first connection: until then the ICE part has a log of its own, which nothing here can reach.
 * The package's own initLogger() demands a callback, which keeps the process alive for ever; the addon itself does not.
 */
function quietNative(): void {
  const addon = Object.values(createRequire(import.meta.url).cache).find((each) => each?.filename.endsWith('node_datachannel.node'))
  ;(addon?.exports as { initLogger?(level: string): void } | undefined)?.initLogger?.('Fatal')
}
