/** Where a request goes: dmesh://PEER/path and dmesh://PEER-NAME/path to a peer, a protocol id and a target, and back. Pure. Must never let an address choose anything but a service. */
import { readSiteLabel, siteLabel } from '../../core/peer-id-text.ts'
import { MeshError } from '../../shared/errors.ts'
import { FOREIGN } from '../../wire/ids.ts'

export interface Place {
  /** PeerID, base58. */
  readonly peer: string
  /** '' for the main service. */
  readonly name: string
  /** Path and query. */
  readonly target: string
}

const NAME = /^[a-z0-9]{1,12}$/

/** BAD_ARGUMENT. The fragment is nobody's business. */
export function readPlace(address: string | URL): Place {
  const url = URL.canParse(String(address)) ? new URL(String(address)) : undefined
  if (url?.protocol !== 'dmesh:') throw new MeshError('BAD_ARGUMENT', `not dmesh://PEER/path: ${String(address).slice(0, 200)}`)
  if (url.username || url.password || url.port) throw new MeshError('BAD_ARGUMENT', 'a dmesh address has no user, password or port')
  const place = readSiteLabel(url.hostname)
  if (!place) throw new MeshError('BAD_ARGUMENT', `not a peer: ${url.hostname.slice(0, 100)}`)
  if (url.hostname.includes('-')) checkName(place.name)
  return { ...place, target: `${url.pathname || '/'}${url.search}` }
}

/** BAD_ARGUMENT. */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw new MeshError('BAD_ARGUMENT', `a service name is 1 to 12 of a-z and 0-9, not ${name.slice(0, 40)}`)
}

/** What to ask for, the best first: others call the main service /http, and named ones as Kubo does. */
export function protocolsOf(name: string): readonly string[] {
  return name === '' ? [FOREIGN.http11, FOREIGN.http] : [`/x/${name}/http`]
}

/** The address that a place has here. */
export function placeText({ peer, name, target }: Place): string {
  return `dmesh://${peer}${name && `-${name}`}${target}`
}

/** What a service is called in a Host field: its name in DNS, without the host that lends one. */
export function hostOf(peer: string, name: string): string {
  return `${siteLabel(peer, name) ?? peer}.p2p`
}
