/** One transfer as a command sees it in snapshots: how far it is, and how it ended. */
import type { TransferInfo } from '../../src/core/mesh.ts'
import { printableLine, sizeText, timeText } from './printable.ts'

/** Looks at snapshots in which the transfer is not as it was left, after which it is gone: the process that ran it is. */
const MISSED = 20

/** Given the transfers of each snapshot: undefined while it goes on. `live` is told how far it is. */
export function createWatch(id: string, live: (info: TransferInfo) => void): (transfers: readonly TransferInfo[]) => TransferInfo | undefined {
  let missed = 0
  let last: TransferInfo | undefined
  return (transfers) => {
    const info = transfers.find((one) => one.id === id)
    // Another process has taken over: it has the transfer, and not the file.
    if (info?.needs === 'source' ? last || ++missed >= MISSED : !info && ++missed >= MISSED && last)
      return { ...(info ?? (last as TransferInfo)), status: 'failed', problem: { code: 'PATH_LOST', message: 'the peer that sent it stopped' } }
    if (!info || info.needs === 'source') return undefined
    missed = 0
    last = info
    if (['done', 'failed', 'cancelled', 'declined'].includes(info.status)) return info
    live(info)
    return undefined
  }
}

/** `report.pdf  45 %  12.3 MB/s  3 s left`. */
export function transferText({ name, size, done, rate, left, status, direction, pausedBy, problem }: TransferInfo, who: string): string {
  const what = printableLine(name)
  if (status === 'offered') return direction === 'out' ? `${what}: waiting for ${who} to accept …` : `${what}: offered by ${who}`
  if (status === 'verifying') return `${what}: ${who} compares …`
  if (status === 'waiting') return `${what}: waiting for ${who}, ${sizeText(done)} are there …`
  if (status === 'paused') return `${what}: paused${problem ? `, ${printableLine(problem.message)}` : pausedBy === 'them' ? ` by ${who}` : ''}`
  const share = size > 0 ? Math.floor((done / size) * 100) : 100
  return `${what}  ${share} %  ${sizeText(rate)}/s${left === undefined ? '' : `  ${timeText(left)} left`}`
}
