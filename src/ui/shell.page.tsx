/** The frame around every screen: header, navigation (below on phones, a rail from 900 px), banners, sheets and the live region. */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { App } from './app.page.ts'
import { Banners } from './banners.page.tsx'
import { Chat, unreadCount } from './chat.page.tsx'
import { Devices } from './devices.page.tsx'
import { Failure } from './failure.page.tsx'
import { FirstRun } from './first-run.page.tsx'
import { Icon, type IconName, Mark } from './icons.page.tsx'
import { InviteSheet } from './invite-sheet.page.tsx'
import { pendingOffers, ReceiveSheet } from './receive-sheet.page.tsx'
import { RecipientSheet } from './recipient-sheet.page.tsx'
import { routeHref, type Screen } from './routes.ts'
import { Settings } from './settings.page.tsx'
import { Sites } from './sites.page.tsx'
import { Transfers } from './transfers.page.tsx'
import { plainName } from './untrusted.ts'
import { countText } from './words.ts'

export function Shell({ app }: { app: App }): JSX.Element {
  const boot = app.boot.value
  if (boot.stage === 'failed') return <Failure app={app} problem={boot.problem} />
  if (!app.joined.value) return <FirstRun app={app} />
  return (
    <div class="shell">
      <Header app={app} />
      <Navigation app={app} />
      <Main app={app} />
      <Sheets app={app} />
      <p class="hidden" role="status" aria-live="polite">
        {app.live.value}
      </p>
    </div>
  )
}

function Header({ app }: { app: App }): JSX.Element {
  const { relays, peers } = app.state.value
  const relay = relays.find((one) => one.status === 'reserved')
  return (
    <header class="top">
      <a class="brand-link" href={routeHref('devices')} aria-label="DMesh, to the devices">
        <Mark />
      </a>
      <div class="top-text">
        <span class="top-name">Lobby</span>
        <span class="top-sub">
          {relay && (
            <>
              <bdi class="clip">{plainName(relay.name)}</bdi>
              <span class="dot">·</span>
            </>
          )}
          <span class="keep">{countText(peers.filter((peer) => peer.path !== 'away').length + 1)}</span>
        </span>
      </div>
      <button
        type="button"
        class="button primary"
        onClick={() => {
          app.inviting.value = true
        }}
      >
        Invite
      </button>
    </header>
  )
}

const TABS: readonly (readonly [Screen, IconName, string])[] = [
  ['devices', 'devices', 'Devices'],
  ['transfers', 'transfers', 'Transfers'],
  ['chat', 'chat', 'Chat'],
  ['sites', 'sites', 'Sites & ports'],
  ['settings', 'settings', 'Settings'],
]

function Navigation({ app }: { app: App }): JSX.Element {
  const now = app.route.value.screen
  const counts: Partial<Record<Screen, number>> = {
    chat: unreadCount(app),
    transfers: app.state.value.transfers.filter((one) => one.direction === 'in' && one.status === 'offered').length,
  }
  return (
    <nav class="tabs" aria-label="Screens">
      {TABS.map(([screen, icon, label]) => (
        <a key={screen} class="tab" href={routeHref(screen)} aria-current={now === screen ? 'page' : undefined}>
          <span class="tab-icon">
            <Icon name={icon} />
            {(counts[screen] ?? 0) > 0 && (
              <span class="tab-count" aria-hidden="true">
                {counts[screen]}
              </span>
            )}
          </span>
          <span>{label}</span>
          {(counts[screen] ?? 0) > 0 && <span class="hidden">, {counts[screen]} new</span>}
        </a>
      ))}
    </nav>
  )
}

function Main({ app }: { app: App }): JSX.Element {
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  const { screen, peer } = app.route.value
  useEffect(() => {
    // after a change of screen the reading position starts at its heading; not on the first paint
    if (!first.current) main.current?.querySelector<HTMLElement>(peer ? '.pane-title' : 'h1')?.focus({ preventScroll: app.wide.peek() })
    first.current = false
  }, [screen, peer])
  return (
    <main ref={main} id="main" class={`screen screen-${screen}`}>
      <Banners app={app} />
      <ScreenOf app={app} screen={screen} />
    </main>
  )
}

function ScreenOf({ app, screen }: { app: App; screen: Screen }): JSX.Element {
  switch (screen) {
    case 'devices':
      return <Devices app={app} />
    case 'transfers':
      return <Transfers app={app} />
    case 'chat':
      return <Chat app={app} />
    case 'sites':
      return <Sites />
    case 'settings':
      return <Settings app={app} />
  }
}

function Sheets({ app }: { app: App }): JSX.Element | null {
  const offers = pendingOffers(app).filter((one) => !app.quiet.value.has(one.id))
  const [offer] = offers
  if (app.outgoing.value) return <RecipientSheet app={app} outgoing={app.outgoing.value} />
  if (app.inviting.value) return <InviteSheet app={app} />
  if (offer) return <ReceiveSheet key={offer.id} app={app} offer={offer} more={offers.length - 1} />
  return null
}
