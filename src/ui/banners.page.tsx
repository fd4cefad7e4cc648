/** What wants attention above the screen: failures of commands, offers put aside, being offline, a new version, the offer to install. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { dismiss, nameOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Icon } from './icons.page.tsx'
import { pendingOffers } from './receive-sheet.page.tsx'
import { plainFileName } from './untrusted.ts'
import { InstallCard, UpdateOfferLine } from './version.page.tsx'
import { bytesText } from './words.ts'

export function Banners({ app }: { app: App }): JSX.Element {
  return (
    <div class="banners">
      {!app.online.value && (
        <p class="banner" role="status">
          You are offline. Messages you write wait here; files and new people need a connection.
        </p>
      )}
      {app.notices.value.map(({ id, problem }) => (
        <div key={id} class="banner harm" role="alert">
          <p>
            <strong>{problem.what}</strong> {problem.why} {problem.fix}
          </p>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(app, id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
      <OfferBanner app={app} />
      <UpdateBanner app={app} />
      <InstallBanner app={app} />
    </div>
  )
}

/** An offer that came while one was writing waits here. */
function OfferBanner({ app }: { app: App }): JSX.Element | null {
  const offer = pendingOffers(app).find((one) => app.quiet.value.has(one.id))
  if (!offer) return null
  return (
    <div class="banner">
      <p>
        <bdi>{nameOf(app.state.value, offer.peer)}</bdi> wants to send you <bdi>{plainFileName(offer.name)}</bdi>, {bytesText(offer.size)}.
      </p>
      <button
        type="button"
        class="button soft"
        onClick={() => {
          app.quiet.value = new Set()
        }}
      >
        Look
      </button>
    </div>
  )
}

function UpdateBanner({ app }: { app: App }): JSX.Element | null {
  const offer = app.update.value
  const put = useSignal(app.prefs.get('later'))
  if (!offer || put.value === offer.hash || app.busy.value || app.route.value.screen === 'settings') return null
  const later = () => {
    app.prefs.set('later', offer.hash)
    put.value = offer.hash
  }
  return (
    <div class="banner" role="status">
      <UpdateOfferLine app={app} onLater={later} />
    </div>
  )
}

function InstallBanner({ app }: { app: App }): JSX.Element | null {
  const put = useSignal(app.prefs.get('install'))
  if (!app.install.value || !app.succeeded.value || put.value || app.route.value.screen === 'settings') return null
  const later = () => {
    app.prefs.set('install', 'later')
    put.value = 'later'
  }
  return (
    <div class="banner">
      <InstallCard app={app} onLater={later} />
    </div>
  )
}
