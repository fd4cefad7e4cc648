/** --tcp and --webrtc, or their variables, which alone reach the commands that run a peer only while they last; and --mdns. */
import type { DirectOptions } from '../peer/direct-ways.ts'
import type { CommandCall } from './peer-command.ts'

export function directOptions({ option, has, terminal: { env } }: Pick<CommandCall, 'option' | 'has' | 'terminal'>): DirectOptions {
  return { tcp: option('tcp') ?? env.DMESH_TCP, webrtc: option('webrtc') ?? env.DMESH_WEBRTC, mdns: has('mdns') }
}
