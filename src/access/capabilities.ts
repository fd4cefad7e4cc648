/** The one registry of capabilities: what a row may allow or deny, in a sentence for a person. Loaded when a row is checked. Must name nothing that no handler asks for: a right that means nothing would mislead. */
import { MeshError } from '../shared/errors.ts'

/** Which limits mean something for it; each that does is enforced. */
export type LimitName = 'bytes' | 'time' | 'rate' | 'concurrent' | 'uses'

export interface Capability {
  /** What it lets somebody do, as the end of "may …". */
  readonly text: string
  /** Who asks the policy: a person's peer, a relay, or both. */
  readonly asked: 'peer' | 'relay' | 'both'
  /** What `to` names. */
  readonly to: 'a protocol id' | 'the PeerID of the destination' | 'the PeerID of the relay'
  readonly limits: readonly LimitName[]
}

const STREAM = ['bytes', 'time', 'rate', 'concurrent', 'uses'] as const

export const CAPABILITIES: Readonly<Record<string, Capability>> = {
  'message.send': { text: 'send messages to this peer', asked: 'peer', to: 'a protocol id', limits: STREAM },
  'file.offer': {
    text: 'offer files, and send the content of those that are accepted',
    asked: 'peer',
    to: 'a protocol id',
    limits: STREAM,
  },
  'stream.open': { text: 'open a protocol that a program registered here', asked: 'peer', to: 'a protocol id', limits: STREAM },
  pubsub: { text: 'publish to topics and pass them on', asked: 'both', to: 'a protocol id', limits: STREAM },
  'presence.join': { text: 'be seen here, and see who else is', asked: 'both', to: 'a protocol id', limits: STREAM },
  'relay.reserve': {
    text: 'be reachable through this relay',
    asked: 'relay',
    to: 'the PeerID of the relay',
    limits: ['time', 'rate', 'uses'],
  },
  'relay.hop': { text: 'reach others through this relay', asked: 'relay', to: 'the PeerID of the destination', limits: STREAM },
  'mesh.desk': { text: 'use an invite, and show a membership', asked: 'both', to: 'a protocol id', limits: STREAM },
  'kad.use': { text: 'look up at which relay somebody is, and have such entries kept', asked: 'relay', to: 'a protocol id', limits: STREAM },
  'link.identify': { text: 'say who they are, and learn who this is', asked: 'both', to: 'a protocol id', limits: STREAM },
  'link.ping': { text: 'measure the path', asked: 'both', to: 'a protocol id', limits: STREAM },
  'link.circuit': { text: 'bring a circuit of somebody else to this peer', asked: 'both', to: 'a protocol id', limits: STREAM },
  'link.hop': { text: 'ask this relay for a place or a circuit', asked: 'both', to: 'a protocol id', limits: STREAM },
  'link.signal': { text: 'set up a direct path', asked: 'both', to: 'a protocol id', limits: STREAM },
  'link.why': { text: 'learn why a stream was refused', asked: 'both', to: 'a protocol id', limits: STREAM },
  'link.echo': { text: 'test the path with bytes that come back', asked: 'both', to: 'a protocol id', limits: STREAM },
}

/** `protocol:/x/echo/1.0.0` in a grant stands for 'stream.open' on that protocol. */
export const PROTOCOL_PREFIX = 'protocol:'

/** True for a name of the registry, and for '*'. */
export function isCapability(name: string): boolean {
  return name === '*' || Object.hasOwn(CAPABILITIES, name)
}

/** The sentence of a name that is in no table. */
export function unknownCapability(name: string): string {
  return `there is no capability "${name.slice(0, 80)}"; there are ${Object.keys(CAPABILITIES).join(', ')}`
}

/** UNKNOWN_CAPABILITY for the first name that is in no table. */
export function checkCapabilities(names: readonly string[]): void {
  const unknown = names.find((name) => !isCapability(name))
  if (unknown !== undefined) throw new MeshError('UNKNOWN_CAPABILITY', unknownCapability(unknown))
}
