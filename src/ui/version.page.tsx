/** Version and hash of this build, the offer of a newer one, and the offer to install: asked, never done behind one's back. */
import type { JSX } from 'preact'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'

export function UpdateCard({ app }: { app: App }): JSX.Element {
  const build = app.build.value
  const version = build?.version ?? app.state.value.version
  return (
    <>
      <p class="setting-line">
        DMesh {version}
        {build && (
          <>
            {' '}
            · <span class="mono">{build.hash}</span>
          </>
        )}
      </p>
      <UpdateOfferLine app={app} />
    </>
  )
}

/** "New version … · Update / Later"; the button waits while a file moves. */
export function UpdateOfferLine({ app, onLater }: { app: App; onLater?: () => void }): JSX.Element | null {
  const offer = app.update.value
  if (!offer) return null
  const busy = app.busy.value
  return (
    <div class="setting">
      <p>
        New version {offer.version} · <span class="mono">{offer.hash}</span>
        {busy && <span class="hint"> A file is moving. The update waits until it is done.</span>}
      </p>
      <div class="actions">
        <button type="button" class="button primary" disabled={busy} onClick={() => offer.accept()}>
          Update
        </button>
        <Later onLater={onLater} />
      </div>
    </div>
  )
}

export function InstallCard({ app, onLater }: { app: App; onLater?: () => void }): JSX.Element | null {
  const offer = app.install.value
  if (!offer) return null
  if (offer.kind === 'ios') {
    return (
      <div class="setting">
        <p>To keep DMesh on this device: tap Share, then “Add to Home Screen”.</p>
        <Later onLater={onLater} />
      </div>
    )
  }
  return (
    <div class="setting">
      <p>Install DMesh as an app: it opens on its own and offline.</p>
      <div class="actions">
        <button type="button" class="button primary" onClick={() => void attempt(app, 'It was not installed.', () => offer.ask())}>
          Install
        </button>
        <Later onLater={onLater} />
      </div>
    </div>
  )
}

function Later({ onLater }: { onLater: (() => void) | undefined }): JSX.Element | null {
  if (!onLater) return null
  return (
    <button type="button" class="button plain" onClick={onLater}>
      Later
    </button>
  )
}
