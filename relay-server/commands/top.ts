/** `dmesh top`: peers, transfers and counters, drawn anew in place on a screen, as plain lines elsewhere. */
import type { MeshState, TransferInfo } from '../../src/core/mesh.ts'
import { sleep } from '../../src/shared/async.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { EXIT } from '../exit-codes.ts'
import type { StatusAnswer } from '../local-api/protocol.ts'
import { parseCount, parseDuration } from './durations.ts'
import type { CommandCall } from './peer-command.ts'
import { nameOf, printable, printableLine, sizeText, timeText } from './printable.ts'

const HOME_AND_CLEAR = '\u001b[H\u001b[J'

export async function top(call: CommandCall): Promise<number> {
  const { terminal, json, option, signal } = call
  const interval = Math.max(100, parseDuration(option('interval') ?? '1s', '--interval'))
  const count = option('count') === undefined ? Number.POSITIVE_INFINITY : parseCount(option('count') ?? '', '--count', 1_000_000_000)
  const { client, follow } = await call.open()
  const draws = terminal.isScreen.out && !json
  for (let n = 0; n < count; n++) {
    if (n > 0) await sleep(systemClock(), interval, signal)
    const status = await client.status()
    const state = follow.state()
    if (json) terminal.out(JSON.stringify({ at: Date.now(), ...status, peers: state.peers, transfers: state.transfers.filter(isLive) }))
    else if (draws) terminal.out(`${HOME_AND_CLEAR}${screenText(status, state, terminal.columns())}`)
    else terminal.out(lineText(status, state))
  }
  return EXIT.ok
}

function isLive({ status }: TransferInfo): boolean {
  return ['offered', 'running', 'verifying', 'waiting', 'paused'].includes(status)
}

function lineText({ numbers }: StatusAnswer, { status, transfers }: MeshState): string {
  const rate = transfers.filter(isLive).reduce((sum, one) => sum + one.rate, 0)
  return [`status=${status}`, ...Object.entries(numbers).map(([name, value]) => `${name}=${value}`), `bytes_per_second=${Math.round(rate)}`].join(' ')
}

function screenText({ name, peer, uptime, numbers }: StatusAnswer, { status, peers, relays, transfers }: MeshState, columns: number): string {
  const lines = [
    `${printable(name)}  ${peer}`,
    `${status}, up ${timeText(uptime)}`,
    '',
    Object.entries(numbers)
      .map(([key, value]) => `${key} ${value}`)
      .join('   '),
    '',
    ...relays.map(
      (relay) => `relay  ${printable(relay.name).padEnd(24)} ${relay.status}${relay.rtt === undefined ? '' : `  ${Math.round(relay.rtt)} ms`}`,
    ),
    ...peers.map((one) => `peer   ${nameOf(one).padEnd(24)} ${one.path}${one.rtt === undefined ? '' : `  ${Math.round(one.rtt)} ms`}`),
    ...transfers.filter(isLive).map(transferLine),
  ]
  return lines.map((line) => line.slice(0, columns)).join('\n')
}

function transferLine({ direction, name, done, size, rate, status }: TransferInfo): string {
  const share = size > 0 ? Math.floor((done / size) * 100) : 100
  return `${direction === 'in' ? 'from' : 'to  '}   ${printableLine(name).padEnd(24)} ${status} ${share} % of ${sizeText(size)}, ${sizeText(rate)}/s`
}
