/** One transfer as a command sees it in snapshots: how far it is, and how it ended. */
import type { TransferInfo } from '../../src/core/mesh.ts'
import { printableLine, sizeText, timeText } from './printable.ts'

/** Looks at snapshots without the transfer after which it is gone: the process that ran it is. */
const MISSED = 20

/** Given the transfers of each snapshot: undefined while it goes on. `live` is told how far it is. */
export function createWatch(id: string, live: (info: TransferInfo) => void): (transfers: readonly TransferInfo[]) => TransferInfo | undefined {
  let missed = 0
  let last: TransferInfo | undefined
  return (transfers) => {
    const info = transfers.find((one) => one.id === id)
    if (!info) {
      if (++missed < MISSED || !last) return undefined
      return { ...last, status: 'failed', problem: { code: 'PATH_LOST', message: 'the peer that sent it stopped' } }
    }
    missed = 0
    last = info
    if (info.status !== 'offered' && info.status !== 'running' && info.status !== 'verifying') return info
    live(info)
    return undefined
  }
}

/** `report.pdf  45 %  12.3 MB/s  3 s left`. */
export function transferText({ name, size, done, rate, left, status, direction }: TransferInfo, who: string): string {
  const what = printableLine(name)
  if (status === 'offered') return direction === 'out' ? `${what}: waiting for ${who} to accept …` : `${what}: offered by ${who}`
  if (status === 'verifying') return `${what}: ${who} compares …`
  const share = size > 0 ? Math.floor((done / size) * 100) : 100
  return `${what}  ${share} %  ${sizeText(rate)}/s${left === undefined ? '' : `  ${timeText(left)} left`}`
}
