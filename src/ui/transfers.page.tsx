/** Transfers: what moves now, what waits for an answer, what is finished and verified. */
import type { JSX } from 'preact'
import type { TransferInfo } from '../core/mesh.ts'
import { attempt, nameOf, saveTransfer } from './actions.page.ts'
import type { App } from './app.page.ts'
import { CopyField } from './copy-field.page.tsx'
import { Icon } from './icons.page.tsx'
import { Lazy } from './lazy.page.tsx'
import { isOpen, progressText } from './progress.page.tsx'
import { routeHref } from './routes.ts'
import { plainFileName, plainName } from './untrusted.ts'
import { bytesText, percent, whenText } from './words.ts'

export function Transfers({ app }: { app: App }): JSX.Element {
  const newest = [...app.state.value.transfers].sort((a, b) => b.at - a.at)
  const open = newest.filter(isOpen)
  const ended = newest.filter((one) => !isOpen(one))
  return (
    <div class="column">
      <h1 tabIndex={-1}>Transfers</h1>
      {newest.length === 0 && (
        <div class="card empty">
          <p>Nothing sent or received yet. Choose a device and send it a file.</p>
          <a class="button soft" href={routeHref('devices')}>
            To the devices
          </a>
        </div>
      )}
      <Group app={app} title="Now" transfers={open} />
      <Group app={app} title="Finished" transfers={ended} />
    </div>
  )
}

function Group({ app, title, transfers }: { app: App; title: string; transfers: readonly TransferInfo[] }): JSX.Element | null {
  if (transfers.length === 0) return null
  return (
    <>
      <h2 class="group">{title}</h2>
      <ul class="rows card">
        {transfers.map((one) => (
          <TransferRow key={one.id} app={app} transfer={one} />
        ))}
      </ul>
    </>
  )
}

function TransferRow({ app, transfer }: { app: App; transfer: TransferInfo }): JSX.Element {
  const name = plainFileName(transfer.name)
  const who = nameOf(app.state.value, transfer.peer)
  const moving = isOpen(transfer) && transfer.status !== 'offered'
  return (
    <li class="row transfer" data-transfer={transfer.id} data-status={transfer.status}>
      <span class={`direction ${transfer.status}`}>
        <Icon name={transfer.direction === 'in' ? 'down' : 'up'} />
      </span>
      <div class="row-text">
        <bdi class="name clip" title={name}>
          {name}
        </bdi>
        <span class="path">
          {transfer.direction === 'in' ? 'from ' : 'to '}
          <bdi>{who}</bdi> ·{' '}
          <span class="num">
            {bytesText(transfer.size)} · {whenText(transfer.at, app.now.value)}
          </span>
        </span>
        {moving && <progress max={100} value={transfer.status === 'verifying' ? 100 : percent(transfer.done, transfer.size)} aria-label={name} />}
        <Outcome app={app} transfer={transfer} />
        <div class="actions">
          <Actions app={app} transfer={transfer} name={name} />
        </div>
      </div>
    </li>
  )
}

function Outcome({ app, transfer }: { app: App; transfer: TransferInfo }): JSX.Element {
  switch (transfer.status) {
    case 'done':
      return (
        <>
          <span class="verdict good">
            <Icon name="check" /> Verified: both sides hold the same bytes
          </span>
          {transfer.sha256 && <CopyField app={app} label="SHA-256" value={transfer.sha256} />}
        </>
      )
    case 'failed':
      return (
        <span class="verdict bad">
          Failed at {percent(transfer.done, transfer.size)} %. {plainName(transfer.problem?.message ?? 'The connection broke off.', '', 240)}{' '}
          {transfer.direction === 'out' ? 'Send it again.' : 'Ask for it again.'}
        </span>
      )
    case 'cancelled':
      return <span class="verdict">Cancelled at {percent(transfer.done, transfer.size)} %</span>
    case 'declined':
      return <span class="verdict">Declined</span>
    default:
      return <span class="verdict num">{progressText(transfer)}</span>
  }
}

const loadHold = async () => (await import('./hold.page.tsx')).Hold

function Actions({ app, transfer, name }: { app: App; transfer: TransferInfo; name: string }): JSX.Element {
  const { files } = app.handle
  const { id, direction, status } = transfer
  const run = (what: string, work: () => Promise<void>) => () => void attempt(app, what, work)
  if (status === 'offered' && direction === 'in') {
    return (
      <>
        <button type="button" class="button primary" aria-label={`Accept ${name}`} onClick={run('It was not accepted.', () => files.accept(id))}>
          Accept
        </button>
        <button type="button" class="button soft" aria-label={`Decline ${name}`} onClick={run('It was not declined.', () => files.decline(id))}>
          Decline
        </button>
      </>
    )
  }
  if (isOpen(transfer)) {
    return (
      <>
        <Lazy load={loadHold} props={{ app, transfer, name }} />
        <button type="button" class="button soft" aria-label={`Cancel ${name}`} onClick={run('It was not cancelled.', () => files.cancel(id))}>
          Cancel
        </button>
      </>
    )
  }
  return (
    <>
      {status === 'done' && direction === 'in' && (
        <button type="button" class="button primary" aria-label={`Save ${name}`} onClick={() => void saveTransfer(app, transfer)}>
          Save
        </button>
      )}
      <button type="button" class="button soft" aria-label={`Remove ${name}`} onClick={run('It was not removed.', () => files.remove(id))}>
        Remove
      </button>
    </>
  )
}
