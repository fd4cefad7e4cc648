/** Devices: me, the drop area, who is here, who is away; on wide screens the map or one device beside it. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { MeshState, PeerInfo } from '../core/mesh.ts'
import { peerOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { MeshMap } from './map.page.tsx'
import { WaitingCards } from './mesh-cards.page.tsx'
import { LOBBY, meshName, shownPeers } from './mesh-words.ts'
import { PeerPane } from './peer-pane.page.tsx'
import { PeerRow } from './peer-row.page.tsx'
import { droppedFiles, hasFiles, PickButton } from './pick.page.tsx'
import { routeHref } from './routes.ts'
import { plainName } from './untrusted.ts'

const AWAY_SHOWN = 5

export function Devices({ app }: { app: App }): JSX.Element {
  const chosen = peerOf(app.state.value, app.route.value.peer ?? '')
  const wide = app.wide.value
  if (chosen && !wide)
    return (
      <div class="column">
        <PeerPane app={app} peer={chosen} />
      </div>
    )
  return (
    <div class="columns">
      <div class="list">
        <DeviceList app={app} />
      </div>
      {wide && (
        <div class="pane">
          <MeshMap app={app} />
          {chosen && <PeerPane app={app} peer={chosen} />}
        </div>
      )}
    </div>
  )
}

function DeviceList({ app }: { app: App }): JSX.Element {
  const peers = shownPeers(app.state.value, app.shown.value)
  const here = peers.filter((peer) => peer.path !== 'away')
  const away = peers.filter((peer) => peer.path === 'away')
  return (
    <>
      <h1 class="hidden" tabIndex={-1}>
        Devices
      </h1>
      <MeRow app={app} />
      <WaitingCards app={app} />
      <DropArea app={app} />
      <h2 class="group">Here now</h2>
      {here.length > 0 ? (
        <ul class="rows card">
          {here.map((peer) => (
            <PeerRow key={peer.id} app={app} peer={peer} />
          ))}
        </ul>
      ) : (
        <NobodyHere app={app} />
      )}
      <Away app={app} peers={away} />
      <PlaceNote app={app} />
    </>
  )
}

/** Who else sees the names on this screen. */
function PlaceNote({ app }: { app: App }): JSX.Element | null {
  const state = app.state.value
  const mesh = state.meshes.find(({ id }) => id === app.shown.value)
  if (mesh) return <p class="lobby-note">Only members of {meshName(mesh)} see each other here.</p>
  if (state.relays.length === 0) return null
  if (state.meshes.length > 0 && app.shown.value !== LOBBY)
    return <p class="lobby-note">The lobby is public: everyone who opens this address sees the names in it. Your meshes are not.</p>
  return <p class="lobby-note">This is a public lobby: everyone who opens this address sees the names in it.</p>
}

/** The newest few; the rest on demand, since a lobby remembers everybody who passed. */
function Away({ app, peers }: { app: App; peers: readonly PeerInfo[] }): JSX.Element | null {
  const [all, setAll] = useState(false)
  if (peers.length === 0) return null
  const newest = [...peers].sort((a, b) => b.seen - a.seen)
  return (
    <>
      <h2 class="group">Away</h2>
      <ul class="rows card">
        {newest.slice(0, all ? undefined : AWAY_SHOWN).map((peer) => (
          <PeerRow key={peer.id} app={app} peer={peer} />
        ))}
      </ul>
      {!all && peers.length > AWAY_SHOWN && (
        <button type="button" class="button plain" onClick={() => setAll(true)}>
          Show all {peers.length}
        </button>
      )}
    </>
  )
}

function MeRow({ app }: { app: App }): JSX.Element {
  const state = app.state.value
  return (
    <div class="card row me">
      {state.peer ? <PeerGlyph peer={state.peer} /> : <span class="glyph blank" />}
      <div class="row-text">
        <a class="row-link" href={routeHref('settings')}>
          <bdi class="name">{plainName(state.name, app.suggestedName)}</bdi>
        </a>
        <span class="path">
          You · <span role="status">{reachText(state, app.online.value)}</span>
        </span>
      </div>
    </div>
  )
}

/** How others reach this browser, in a few words. */
export function reachText(state: MeshState, online: boolean): string {
  if (!online) return 'offline: messages wait here until you are back'
  switch (state.status) {
    case 'starting':
      return 'connecting…'
    case 'offline':
      return 'no relay answers, trying again'
    case 'stopped':
      return 'stopped'
    default: {
      // a direct path may outlive the relay; then nobody new finds this browser
      const lost = state.relays.length > 0 && state.relays.every((relay) => relay.status !== 'reserved')
      return lost ? 'no relay answers, trying again' : 'reachable while this tab is open'
    }
  }
}

function DropArea({ app }: { app: App }): JSX.Element {
  const [over, setOver] = useState(false)
  const choose = (files: readonly File[]) => {
    if (files.length > 0) app.outgoing.value = { files }
  }
  const drag = {
    onDragOver: (event: DragEvent) => setOver(hasFiles(event)),
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault()
      setOver(false)
      void droppedFiles(app, event).then(choose)
    },
  }
  return (
    <PickButton class={`drop ${over ? 'over' : ''}`} onPick={choose} drag={drag}>
      <strong>{app.wide.value ? 'Drop files on a device' : 'Choose files to send'}</strong>
      <span>or {app.wide.value ? 'choose them, or paste' : 'paste a file or a text'}</span>
    </PickButton>
  )
}

function NobodyHere({ app }: { app: App }): JSX.Element {
  const state = app.state.value
  const mesh = state.meshes.find(({ id }) => id === app.shown.value)
  if (state.status === 'starting') return <p class="card empty">Looking for people and devices…</p>
  if (state.status === 'offline' || !app.online.value) return <OfflineNote app={app} />
  return (
    <div class="card empty">
      <p>
        {mesh ? `Nobody else of ${meshName(mesh)} is here now.` : 'Nobody else is here yet. Open this address on another device, or invite somebody.'}
      </p>
      <button
        type="button"
        class="button soft"
        onClick={() => {
          app.dialog.value = { kind: 'invite' }
        }}
      >
        Invite
      </button>
    </div>
  )
}

function OfflineNote({ app }: { app: App }): JSX.Element {
  const problem = app.state.value.relays.find((relay) => relay.problem)?.problem
  return (
    <div class="card empty">
      <p>
        {app.online.value
          ? 'The relay does not answer, so nobody can be found right now. It is tried again on its own.'
          : 'You are offline, so nobody can be reached.'}
      </p>
      {problem && <p class="hint">{plainName(problem.message, '', 200)}</p>}
      <p class="hint">
        You can still read your messages and write new ones: they go out as soon as the connection is back. Received files can still be saved.
      </p>
    </div>
  )
}
