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
import { Lazy } from './lazy.page.tsx'
import { shownName, shownPeers } from './mesh-words.ts'
import { pendingOffers, ReceiveSheet } from './receive-sheet.page.tsx'
import { RecipientSheet } from './recipient-sheet.page.tsx'
import { routeHref, type Screen } from './routes.ts'
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
  const { relays } = app.state.value
  const peers = shownPeers(app.state.value, app.shown.value)
  const relay = relays.find((one) => one.status === 'reserved')
  return (
    <header class="top">
      <a class="brand-link" href={routeHref('devices')} aria-label="DMesh, to the devices">
        <Mark />
      </a>
      <div class="top-text">
        <a class="top-name" href={routeHref('meshes')}>
          <bdi>{shownName(app.state.value, app.shown.value)}</bdi>
          <span class="hidden">, to the meshes</span>
          <Icon name="back" />
        </a>
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
          app.dialog.value = { kind: 'invite' }
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
  const focusHeading = () => main.current?.querySelector<HTMLElement>(peer ? '.pane-title' : 'h1')?.focus({ preventScroll: app.wide.peek() })
  const late = useRef<(() => void) | undefined>(undefined)
  useEffect(() => {
    // after a change of screen the reading position starts at its heading; not on the first paint
    if (!first.current) focusHeading()
    late.current = first.current ? undefined : focusHeading // of a screen that still has to be loaded
    first.current = false
  }, [screen, peer])
  return (
    <main ref={main} id="main" class={`screen screen-${screen}`}>
      <Banners app={app} />
      <ScreenOf app={app} screen={screen} onShown={() => late.current?.()} />
    </main>
  )
}

function ScreenOf({ app, screen, onShown }: { app: App; screen: Screen; onShown(): void }): JSX.Element {
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
      return <Lazy key={screen} load={loadSettings} props={{ app }} onShown={onShown} />
    case 'meshes':
      return <Lazy key={screen} load={loadMeshes} props={{ app }} onShown={onShown} />
  }
}

const loadSettings = async () => (await import('./settings.page.tsx')).Settings
const loadMeshes = async () => (await import('./meshes.page.tsx')).Meshes
const loadDialog = async () => (await import('./mesh-dialog.page.tsx')).MeshDialog

function Sheets({ app }: { app: App }): JSX.Element | null {
  const offers = pendingOffers(app).filter((one) => !app.quiet.value.has(one.id))
  const [offer] = offers
  if (app.outgoing.value) return <RecipientSheet app={app} outgoing={app.outgoing.value} />
  if (app.dialog.value) return <Lazy load={loadDialog} props={{ app }} />
  if (offer) return <ReceiveSheet key={offer.id} app={app} offer={offer} more={offers.length - 1} />
  return null
}
