/** The relay's numbers as OpenMetrics (prom-client), and flat for `dmesh status`. Numbers are read when asked; nothing here keeps peers' names or addresses. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** A snapshot; counters only grow while the process lives. */
export interface RelayNumbers {
  readonly connections: number
  readonly sockets: number
  readonly presence: number
  readonly reservations: number
  readonly circuits: number
  readonly reservationsTotal: number
  readonly circuitsTotal: number
  /** Bytes through circuits, by direction. */
  readonly relayedForward: number
  readonly relayedBack: number
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Circuits that were cut, by error code. */
  readonly cut: Readonly<Record<string, number>>
  /** Other relays that are known, and entries kept (--kad). */
  readonly kad: { readonly relays: number; readonly entries: number }
  /** STUN datagrams by outcome. */
  readonly stun: Readonly<Record<string, number>>
  /** Handshakes of webrtc-direct by outcome. */
  readonly direct: Readonly<Record<string, number>>
}

export interface Metrics {
  readonly contentType: string
  render(): Promise<string>
}

export function createMetrics(read: () => RelayNumbers, version: string): Metrics {
  const registry = new Registry()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, value: (numbers: RelayNumbers) => number) =>
    new Gauge({
      ...{ name: `dmesh_${name}`, help, registers },
      collect() {
        this.set(value(read()))
      },
    })
  const counter = (name: string, help: string, label: string, values: (numbers: RelayNumbers) => Readonly<Record<string, number>>) =>
    new Counter({
      ...{ name: `dmesh_${name}`, help, registers, labelNames: label ? [label] : [] },
      collect() {
        this.reset()
        for (const [key, value] of Object.entries(values(read()))) this.inc(label ? { [label]: key } : {}, value)
      },
    })
  gauge('connections', 'Connections to peers now', (n) => n.connections)
  gauge('sockets', 'Sockets on the front now', (n) => n.sockets)
  gauge('presence', 'Peers in the roster now', (n) => n.presence)
  gauge('reservations', 'Reservations now', (n) => n.reservations)
  gauge('circuits', 'Circuits now', (n) => n.circuits)
  gauge('kad_relays', 'Other relays known', (n) => n.kad.relays)
  gauge('kad_entries', 'Entries kept that say at which relay somebody is', (n) => n.kad.entries)
  counter('reservations_granted_total', 'Reservations granted, renewals included', '', (n) => ({ all: n.reservationsTotal }))
  counter('circuits_started_total', 'Circuits started', '', (n) => ({ all: n.circuitsTotal }))
  counter('relayed_bytes_total', 'Bytes through circuits', 'direction', (n) => ({ forward: n.relayedForward, back: n.relayedBack }))
  counter('refused_total', 'Requests refused', 'reason', (n) => n.refused)
  counter('circuits_cut_total', 'Circuits that did not end by themselves', 'code', (n) => n.cut)
  counter('stun_requests_total', 'STUN datagrams', 'outcome', (n) => n.stun)
  counter('webrtc_direct_total', 'webrtc-direct handshakes', 'outcome', (n) => n.direct)
  new Gauge({ name: 'dmesh_build_info', help: 'Version', registers, labelNames: ['version'] }).set({ version }, 1)
  return { contentType: registry.contentType, render: () => registry.metrics() }
}

/** One level of names and numbers, for the command line. */
export function flatten(numbers: RelayNumbers): Readonly<Record<string, number>> {
  const out: Record<string, number> = {}
  for (const [name, value] of Object.entries(numbers)) {
    if (typeof value === 'number') out[name] = value
    else for (const [key, inner] of Object.entries(value as Readonly<Record<string, number>>)) out[`${name}.${key}`] = inner
  }
  return out
}
