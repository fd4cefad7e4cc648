/** Somebody offers a file: who, what, how large, where it goes. Nothing of it travels before Accept; "Later" leaves it in Transfers. */
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { FOLDER_TYPE, type TransferInfo } from '../core/mesh.ts'
import { attempt, nameOf, peerOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { Icon } from './icons.page.tsx'
import { PathLine } from './path-line.page.tsx'
import { Sheet } from './sheet.page.tsx'
import { plainFileName } from './untrusted.ts'
import { bytesText } from './words.ts'

/** Offers that nobody answered or put off, oldest first. */
export function pendingOffers(app: App): readonly TransferInfo[] {
  const later = app.later.value
  return app.state.value.transfers.filter((one) => one.direction === 'in' && one.status === 'offered' && !later.has(one.id))
}

export function ReceiveSheet({ app, offer, more }: { app: App; offer: TransferInfo; more: number }): JSX.Element {
  const peer = peerOf(app.state.value, offer.peer)
  const later = () => {
    app.later.value = new Set([...app.later.peek(), ...pendingOffers(app).map((one) => one.id)])
  }
  const answer = (what: string, work: () => Promise<void>) => {
    app.later.value = new Set([...app.later.peek(), offer.id]) // the sheet goes at once, whatever the answer takes
    void attempt(app, what, work)
  }
  return (
    <Sheet
      title={
        <>
          <bdi>{nameOf(app.state.value, offer.peer)}</bdi> wants to send you a file
        </>
      }
      onClose={later}
    >
      <div class="offer">
        <PeerGlyph peer={offer.peer} />
        <div class="row-text">
          <span class="name">{nameOf(app.state.value, offer.peer)}</span>
          {peer && <PathLine app={app} peer={peer} />}
        </div>
      </div>
      <What offer={offer} />
      <p class="hint">
        <Space size={offer.size} /> A name proves nobody: accept only what you expect.
      </p>
      <div class="sheet-actions">
        <button type="button" class="button primary" onClick={() => answer('It was not accepted.', () => app.handle.files.accept(offer.id))}>
          Accept
        </button>
        <button type="button" class="button soft" onClick={() => answer('It was not declined.', () => app.handle.files.decline(offer.id))}>
          Decline
        </button>
        <button type="button" class="button plain" onClick={later}>
          Later
        </button>
      </div>
      {more > 0 && <p class="hint">{more === 1 ? 'One more offer waits' : `${more} more offers wait`} after this one.</p>}
    </Sheet>
  )
}

function What({ offer }: { offer: TransferInfo }): JSX.Element {
  return (
    <div class="offer file">
      <span class="direction">
        <Icon name="file" />
      </span>
      <div class="row-text">
        <bdi class="name wrap">{plainFileName(offer.name)}</bdi>
        <span class="path num">
          {offer.type === FOLDER_TYPE && 'Folder · '}
          {bytesText(offer.size)}
        </span>
      </div>
    </div>
  )
}

function Space({ size }: { size: number }): JSX.Element {
  const free = useMemo(() => signal<number | undefined>(undefined), [])
  useEffect(() => {
    void navigator.storage?.estimate?.().then(
      ({ quota = 0, usage = 0 }) => {
        free.value = Math.max(0, quota - usage)
      },
      () => undefined,
    )
  }, [])
  if (free.value === undefined) return <>It is kept in this browser until you save it.</>
  if (free.value < size) return <strong class="bad">This browser has only {bytesText(free.value)} free. Free some space first.</strong>
  return <>It is kept in this browser until you save it; {bytesText(free.value)} are free here.</>
}
