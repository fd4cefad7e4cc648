/** A file on its way: bar, percent, speed, time left, cancel. The same inside a peer's row and on Transfers. */
import type { JSX } from 'preact'
import type { TransferInfo } from '../core/mesh.ts'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Icon } from './icons.page.tsx'
import { plainFileName } from './untrusted.ts'
import { dotted, leftText, percent, rateText } from './words.ts'

export function isOpen({ status }: TransferInfo): boolean {
  return status === 'offered' || status === 'running' || status === 'verifying' || isHeld(status)
}

/** Broken off or paused: it goes on later. */
function isHeld(status: TransferInfo['status']): boolean {
  return status === 'waiting' || status === 'paused'
}

/** One line without the name: "63 % · 31 MB/s · 8 s left". */
export function progressText(transfer: TransferInfo): string {
  if (transfer.status === 'offered') return transfer.direction === 'out' ? 'waits for their answer' : 'waits for your answer'
  if (transfer.status === 'verifying') return 'checking that every byte is right'
  const parts = [`${percent(transfer.done, transfer.size)}\u00a0%`]
  if (isHeld(transfer.status)) return dotted([...parts, heldText(transfer)])
  if (transfer.rate > 0) parts.push(rateText(transfer.rate))
  if (transfer.left !== undefined && Number.isFinite(transfer.left)) parts.push(leftText(transfer.left))
  return dotted(parts)
}

function heldText({ status, needs, problem, pausedBy, direction }: TransferInfo): string {
  if (needs) return 'choose the file again to go on'
  if (status === 'waiting') return 'waits for the other device'
  if (problem) return direction === 'in' ? 'no space left here, goes on once there is' : 'the other device has no space left'
  return pausedBy === 'them' ? 'paused by the other device' : 'paused'
}

export function Progress({ app, transfer }: { app: App; transfer: TransferInfo }): JSX.Element {
  const name = plainFileName(transfer.name)
  return (
    <div class="progress">
      {transfer.status !== 'offered' && (
        <progress max={100} value={transfer.status === 'verifying' ? 100 : percent(transfer.done, transfer.size)} aria-label={name} />
      )}
      <div class="progress-line">
        <span class="progress-text">
          <bdi class="clip">{name}</bdi>
          <span class="num">
            {'\u00a0· '}
            {progressText(transfer)}
          </span>
        </span>
        <button type="button" class="icon-button" aria-label={`Cancel ${name}`} onClick={() => cancel(app, transfer)}>
          <Icon name="close" />
        </button>
      </div>
    </div>
  )
}

function cancel(app: App, transfer: TransferInfo): void {
  const refuse = transfer.status === 'offered' && transfer.direction === 'in'
  void attempt(app, 'It was not cancelled.', () => (refuse ? app.handle.files.decline(transfer.id) : app.handle.files.cancel(transfer.id)))
}
