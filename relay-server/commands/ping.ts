/** `dmesh ping`: the round trip to a peer, until it is direct where that is asked, and why the way is as it is. */
import type { PathCandidate, PathWhy } from '../../src/core/mesh.ts'
import { sleep } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { ERRORS } from '../../src/shared/error-fixes.ts'
import { codeOf, isErrorCode, MeshError } from '../../src/shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { PingAnswer } from '../local-api/protocol.ts'
import { parseCount, parseDuration } from './durations.ts'
import type { CommandCall, Connected } from './peer-command.ts'
import { printable, printableLine } from './printable.ts'
import { findPeer, whenReachable } from './ready.ts'

const PING_GAP = 1_000 // ms between pings, as ping(8)
const MAX_UNTIL_DIRECT = 60 // pings before giving up on a direct path
/** Failures after which the next ping may still be answered. */
const PASSING = ['TIMEOUT', 'PEER_UNREACHABLE', 'PATH_LOST', 'STREAM_RESET']

export async function ping(call: CommandCall): Promise<number> {
  const { terminal, option, has, args, json } = call
  const count = option('count')
  const untilDirect = has('until-direct')
  const times = count === undefined ? (untilDirect ? MAX_UNTIL_DIRECT : has('why') ? 1 : 4) : parseCount(count, '--count', 1_000_000)
  const wait = parseDuration(option('wait') ?? '30s', '--wait')
  const connected = await call.open()
  await whenReachable(connected, wait)
  const { peer } = await findPeer(connected, args[0] ?? '', terminal.note)
  try {
    const last = await pingTimes(call, connected, { peer, times, untilDirect })
    if (untilDirect && last.path !== 'direct') throw new MeshError('PEER_UNREACHABLE', `${peer} was reached, but never directly`)
  } finally {
    if (has('why')) {
      const why = await connected.client.why(peer)
      terminal.out(json ? JSON.stringify(why) : whyText(why, connected.follow.state().relays))
    }
  }
  return EXIT.ok
}

interface Round {
  readonly peer: string
  readonly times: number
  readonly untilDirect: boolean
}

/** The last answer; the last failure when there was none. */
async function pingTimes({ terminal, json, signal }: CommandCall, { client }: Connected, { peer, times, untilDirect }: Round): Promise<PingAnswer> {
  let last: PingAnswer | undefined
  let failure: unknown
  for (let i = 0; i < times; i++) {
    if (i > 0) await sleep(systemClock(), PING_GAP, signal)
    try {
      last = await client.ping({ peer })
      terminal.out(json ? JSON.stringify(last) : pongText(last))
      if (untilDirect && last.path === 'direct') return last
    } catch (error) {
      if (!PASSING.includes(codeOf(error))) throw error
      failure = error
      if (!json) terminal.out(`no answer: ${printableLine((error as Error).message)}`)
    }
  }
  if (!last) throw failure
  return last
}

function pongText({ peer, path, transport, rtt }: PingAnswer): string {
  return `pong from ${peer} ${path}${transport ? ` over ${transport}` : ''} in ${rtt.toFixed(1)} ms`
}

const OUTCOMES: Readonly<Record<PathCandidate['outcome'], string>> = {
  used: 'in use',
  open: 'open, kept beside it',
  silent: 'open, but it does not answer',
  trying: 'being tried',
  failed: 'failed',
  'not tried': 'not tried',
}

const OBSTACLES: Readonly<Record<NonNullable<PathCandidate['obstacle']>, string>> = {
  'no-udp-here': 'UDP is blocked on this side',
  'no-udp-there': 'UDP is blocked on the other side',
  'no-udp': 'UDP is blocked on both sides',
  'symmetric-nat': 'a router uses another port for each partner',
}

/** One line for each way, and what blocked it. */
export function whyText({ path, candidates }: PathWhy, relays: readonly { readonly id: string; readonly name: string }[]): string {
  const lines = candidates.map(({ kind, transport, relay, what, outcome, code, obstacle, ms }) => {
    const hop = relay ? ` by ${printable(relays.find(({ id }) => id === relay)?.name ?? '', relay)}` : ''
    const over = kind === 'direct' ? ` over ${transport ?? 'an unknown transport'}` : hop
    const detail = kind === 'direct' && what ? ` (${printableLine(what)})` : ''
    const blocked = obstacle ? OBSTACLES[obstacle] : code && isErrorCode(code) ? `${code}: ${ERRORS[code].fix}` : code
    return `  ${kind}${over}${detail}: ${OUTCOMES[outcome]}${ms === undefined ? '' : `, ${Math.round(ms)} ms`}${blocked ? `\n    ${printableLine(blocked)}` : ''}`
  })
  return [`now ${path}; ways to this peer:`, ...(lines.length > 0 ? lines : ['  none: it is at no relay we know'])].join('\n')
}
