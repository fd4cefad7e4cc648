/** Where a terminal peer listens with TCP: read from --tcp or DMESH_TCP, tried before libp2p does, which would go on without. */
import { isIP } from 'node:net'
import { MeshError } from '../../src/shared/errors.ts'
import { tcpAddress } from '../../src/transports/tcp/addresses.node.ts'
import { type HostPort, parseHostPort } from '../config/options.ts'
import { checkTcpPort } from '../start-parts.ts'

/** Every network of this computer, any free port. */
const EVERYWHERE: readonly HostPort[] = [
  { host: '0.0.0.0', port: 0 },
  { host: '::', port: 0 },
]

/** Multiaddrs; none for `off`. BAD_ARGUMENT, PORT_IN_USE. */
export async function tcpListen(text: string | undefined): Promise<readonly string[]> {
  if (text === 'off') return []
  if (text === undefined) return EVERYWHERE.map(tcpAddress)
  const place = parsePlace(text)
  await checkTcpPort(place.host, place.port, '--tcp')
  return [tcpAddress(place)]
}

function parsePlace(text: string): HostPort {
  try {
    // A relay's --tcp, which the same variable sets, is a port alone.
    const place = parseHostPort(/^\d+$/.test(text) ? `0.0.0.0:${text}` : text)
    if (isIP(place.host)) return place
  } catch (error) {
    throw new MeshError('BAD_ARGUMENT', `--tcp ${(error as Error).message}, or off`, { cause: error })
  }
  throw new MeshError('BAD_ARGUMENT', `--tcp is "${text}"; write an IP address and a port, e.g. 0.0.0.0:4001 or [::]:4001, or off`)
}
