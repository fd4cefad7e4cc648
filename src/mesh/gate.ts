/** Default deny at the door: every protocol handler of the swarm, ours or libp2p's own, runs only after the policy allowed this peer, and no longer than it allows. */
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import { decideBy } from '../access/decide.ts'
import { createUsage } from '../access/usage.ts'
import type { Decision, Policy, PolicyRow, Usage, Who } from '../core/access.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError, toMeshError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { FOREIGN, PROTOCOL } from '../wire/ids.ts'
import { MAX_STREAMS_PER_PROTOCOL, MAX_TIMER } from './limits.ts'
import { FOREIGN_CAPABILITY } from './link-rows.ts'
import { answerPing } from './rtt.ts'
import type { Swarm } from './swarm.ts'
import { answerWhy, askWhy, createDenials } from './why.ts'

export interface GateParts {
  readonly policy: Policy
  readonly rolesOf: (peer: string) => Who['roles']
  readonly meshesOf?: (peer: string) => Who['meshes']
  /** When a no may be too early: settles when the peer is known, or soon. Undefined = nothing to wait for. */
  readonly named?: (peer: string) => Promise<void> | undefined
  readonly clock: Clock
  readonly log: Log
  /** Told when bytes came, or a stream opened or closed, of anything but what keeps a link itself up. */
  readonly used?: (connection: Connection) => void
}

export type Serve = (stream: Stream, connection: Connection, uncount: (() => void) | undefined) => void | Promise<void>

/** See Protocol in core. */
type More = (peer: string) => boolean

export interface Gate {
  /** Register a guarded handler, with a row of its own for as long as it lives; the returned function removes both. BAD_ARGUMENT when there is one already. */
  handle(protocol: string, may: string, serve: Serve, row?: PolicyRow, more?: More): Promise<() => Promise<void>>
  /** Register what every link itself speaks. Call once. */
  answerLinks(): Promise<void>
  /** Every protocol with a handler and its capability; undefined = denied for everyone. */
  handlers(): readonly (readonly [protocol: string, may: string | undefined])[]
  /** The policy's rows and those of live handlers. */
  rows(): readonly PolicyRow[]
  askWhy: typeof askWhy
  /** What is known of a peer. */
  who(peer: string): Who
  /** The answer of now to somebody who has nothing running. */
  explain(who: Who, may: string, to: string): Decision
  /** Cut live streams that the policy no longer allows. */
  recheck(): void
}

interface Live {
  readonly peer: string
  readonly may: string | undefined
  readonly protocol: string
  readonly stream: Stream
}

/** For each protocol on each connection; what a service asks for itself goes before. */
const CAPS = { maxInboundStreams: MAX_STREAMS_PER_PROTOCOL, maxOutboundStreams: MAX_STREAMS_PER_PROTOCOL, runOnLimitedConnection: true } as const

const ENDED: ReadonlySet<string> = new Set<Stream['status']>(['closed', 'reset', 'aborted'])

const NO_USAGE: Usage = { startsLastMinute: 0, concurrent: 0, used: {} }

/** Hears what the handler hears, from when it listens: until then the stream keeps what comes, and a listener of ours alone would take it away. */
function overhear(stream: Stream, hear: (bytes: number) => void): void {
  const add = stream.addEventListener.bind(stream) as EventTarget['addEventListener']
  stream.addEventListener = (...args: Parameters<typeof add>) => {
    if (args[0] === 'message') {
      stream.addEventListener = add
      add('message', (event) => hear((event as StreamMessageEvent).data.byteLength))
    }
    add(...args)
  }
}

/** Calls `spent` once when more than `most` bytes passed, both directions together, and lets none of ours out after that. Returns the count of those that come. */
function meter(stream: Stream, most: number, spent: () => void): (bytes: number) => void {
  let bytes = 0
  const count = (more: number) => {
    const before = bytes
    bytes += more
    if (before <= most && bytes > most) spent()
  }
  const send = stream.send.bind(stream)
  stream.send = (data) => {
    count(data.byteLength)
    return send(data)
  }
  return count
}

/** Pings and the like keep every link up and say nothing about its use; a circuit is use of the link to its relay. */
function isUse(may: string | undefined): boolean {
  return may === 'link.hop' || may === 'link.circuit' || may === 'link.echo' || !may?.startsWith('link.')
}

/** Takes over `registrar.handle`, so call it before libp2p starts. */
export function createGate(swarm: Swarm, parts: GateParts): Gate {
  const { registrar } = swarm.components
  const { policy, clock, log } = parts
  const capabilities = new Map<string, string>(Object.entries(FOREIGN_CAPABILITY))
  const own = new Map<string, PolicyRow>()
  const denials = createDenials()
  const live = new Set<Live>()
  const usage = createUsage(clock)
  const rows = () => [...policy.rows(), ...own.values()]
  let decide = decideBy(rows())
  const renew = () => {
    decide = decideBy(rows())
  }

  const whoIs = (peer: string): Who => ({ peer, roles: parts.rolesOf(peer), meshes: parts.meshesOf?.(peer) })
  const counted = () => (policy.used ? { used: policy.used() } : {})
  const judge = (peer: string, may: string | undefined, protocol: string, used: Usage): Decision => {
    if (may === undefined) return { allow: false, limits: {}, why: `${protocol} has no policy row.` }
    return decide(whoIs(peer), may, protocol, { ...counted(), ...used }, clock.now())
  }
  const refuse = (stream: Stream, peer: string, protocol: string, error: MeshError) => {
    denials.add(peer, protocol, error)
    stream.abort(error)
  }
  const guarded = (protocol: string, serve: Serve, more?: More) => async (stream: Stream, connection: Connection) => {
    // Its 'close' has been told already: what would be counted now would be counted for ever.
    if (ENDED.has(stream.status)) return
    const peer = connection.remotePeer.toString()
    const may = capabilities.get(protocol)
    const ask = () => judge(peer, may, protocol, usage.read(peer, may ?? ''))
    let verdict = ask()
    const named = verdict.allow ? undefined : parts.named?.(peer)
    if (named) {
      await named
      if (ENDED.has(stream.status)) return
      verdict = ask()
    }
    const over = verdict.code === 'LIMIT_REACHED' && more?.(peer) === true
    if (over) verdict = judge(peer, may, protocol, NO_USAGE)
    const { allow, limits, why, code, row } = verdict
    if (!allow) {
      log('access.denied', { peer, protocol, code: code ?? 'ACCESS_DENIED' })
      return refuse(stream, peer, protocol, new MeshError(code ?? 'ACCESS_DENIED', why))
    }
    const entry: Live = { peer, may, protocol, stream }
    const ended = over ? undefined : usage.start(peer, may ?? '')
    if (limits.uses !== undefined && !over) {
      const left = await policy.spend?.(row ?? '', limits.uses).catch(() => false)
      if (!left || ENDED.has(stream.status)) {
        ended?.()
        return refuse(stream, peer, protocol, new MeshError('LIMIT_REACHED', `${why} Its uses are used up.`))
      }
    }
    const spent = () => refuse(stream, peer, protocol, new MeshError('LIMIT_REACHED', `${why} What it allows a stream is used up.`))
    const cancel = limits.time === undefined ? undefined : clock.after(Math.min(limits.time, MAX_TIMER), spent)
    const count = limits.bytes === undefined ? undefined : meter(stream, limits.bytes, spent)
    live.add(entry)
    const used = () => {
      if (isUse(may)) parts.used?.(connection)
    }
    used()
    overhear(stream, (bytes) => {
      count?.(bytes)
      used()
    })
    stream.addEventListener('close', () => {
      live.delete(entry)
      used()
      ended?.()
      cancel?.()
    })
    try {
      await serve(stream, connection, ended && (() => ended(true)))
    } catch (error) {
      refuse(stream, peer, protocol, toMeshError(error))
    }
  }
  // Whoever registers, whenever: libp2p's own services and transports that are loaded later come through here too.
  const register = registrar.handle.bind(registrar)
  registrar.handle = (protocol, handler, options) => register(protocol, guarded(protocol, handler), { ...CAPS, ...options })

  return {
    handle: addHandler,
    async answerLinks() {
      await registrar.handle(FOREIGN.ping, answerPing, CAPS)
      await registrar.handle(PROTOCOL.why, (stream, connection) => answerWhy(stream, connection, denials), CAPS)
    },
    handlers: () => registrar.getProtocols().map((protocol) => [protocol, capabilities.get(protocol)] as const),
    rows,
    askWhy,
    who: whoIs,
    explain: (who, may, to) => decide(who, may, to, { ...NO_USAGE, ...counted() }, clock.now()),
    recheck() {
      renew()
      for (const { peer, may, protocol, stream } of live) {
        const { allow, why } = judge(peer, may, protocol, NO_USAGE)
        if (!allow) stream.abort(new MeshError('ACCESS_DENIED', why))
      }
    },
  }

  async function addHandler(protocol: string, may: string, serve: Serve, row?: PolicyRow, more?: More): Promise<() => Promise<void>> {
    if (registrar.getProtocols().includes(protocol)) throw new MeshError('BAD_ARGUMENT', `${protocol} has a handler already`)
    capabilities.set(protocol, may)
    if (row) own.set(protocol, row)
    renew()
    await register(protocol, guarded(protocol, serve, more), CAPS)
    return async () => {
      capabilities.delete(protocol)
      own.delete(protocol)
      renew()
      await registrar.unhandle(protocol)
    }
  }
}
