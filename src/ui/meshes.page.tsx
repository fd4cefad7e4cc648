/** My meshes: which one is shown, those I wait for, the lobby as what it is; and one of them with its members. */
import type { JSX } from 'preact'
import type { MeshInfo } from '../core/meshes.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { Icon } from './icons.page.tsx'
import { MeshPane } from './mesh-pane.page.tsx'
import { EVERYONE, hereText, LOBBY, meshName, ROLES, waitingText } from './mesh-words.ts'
import { routeHref } from './routes.ts'

export function Meshes({ app }: { app: App }): JSX.Element {
  const chosen = app.state.value.meshes.find(({ id }) => id === app.route.value.peer)
  if (chosen)
    return (
      <div class="column">
        <MeshPane key={chosen.id} app={app} mesh={chosen} />
      </div>
    )
  return (
    <div class="column">
      <h1 tabIndex={-1}>Meshes</h1>
      <MeshList app={app} />
      <div class="sheet-actions mesh-start">
        <button
          type="button"
          class="button primary"
          onClick={() => {
            app.dialog.value = { kind: 'new' }
          }}
        >
          New mesh
        </button>
        <button
          type="button"
          class="button soft"
          onClick={() => {
            app.dialog.value = { kind: 'scan' }
          }}
        >
          Use an invite
        </button>
      </div>
    </div>
  )
}

function MeshList({ app }: { app: App }): JSX.Element {
  const { meshes, peers } = app.state.value
  const inLobby = peers.filter((peer) => peer.path !== 'away' && peer.meshes.includes(LOBBY)).length
  return (
    <>
      <h2 class="group">Private</h2>
      {meshes.length === 0 ? (
        <p class="card empty">
          You are in no private mesh yet. In one, only the people you invite see each other: a family, a team, or all your own devices.
        </p>
      ) : (
        <ul class="rows card">
          {meshes.map((mesh) => (
            <MeshRow key={mesh.id} app={app} mesh={mesh} />
          ))}
        </ul>
      )}
      <h2 class="group">Public</h2>
      <ul class="rows card">
        <li class="row">
          <span class="direction">
            <Icon name="sites" />
          </span>
          <div class="row-text">
            <span class="name">Lobby</span>
            <span class="path">Everyone who opens this address sees the names in it · {inLobby} others here</span>
          </div>
          <ShowButton app={app} id={LOBBY} name="Lobby" />
        </li>
        {meshes.length > 0 && (
          <li class="row">
            <span class="direction">
              <Icon name="devices" />
            </span>
            <div class="row-text">
              <span class="name">Everyone</span>
              <span class="path">All of the above in one list</span>
            </div>
            <ShowButton app={app} id={EVERYONE} name="everyone" />
          </li>
        )}
      </ul>
    </>
  )
}

function MeshRow({ app, mesh }: { app: App; mesh: MeshInfo }): JSX.Element {
  return (
    <li class="row">
      <PeerGlyph peer={mesh.id} faded={mesh.status !== 'joined'} />
      <div class="row-text">
        <a class="row-link" href={routeHref('meshes', mesh.id)}>
          <bdi class="name">{meshName(mesh)}</bdi>
        </a>
        <span class="path">{meshLine(mesh)}</span>
      </div>
      {mesh.status === 'joined' && <ShowButton app={app} id={mesh.id} name={meshName(mesh)} />}
    </li>
  )
}

function meshLine(mesh: MeshInfo): string {
  if (mesh.status === 'removed') return 'You were removed'
  if (mesh.status === 'waiting') return mesh.problem ? 'Not joined' : waitingText(mesh)
  return `${ROLES[mesh.role]} · ${hereText(mesh)}`
}

/** The one that is shown says so; the others switch to it. */
export function ShowButton({ app, id, name }: { app: App; id: string; name: string }): JSX.Element {
  if (app.shown.value === id)
    return (
      <a class="button plain" href={routeHref('devices')} aria-label={`Shown: ${name}`}>
        <Icon name="check" /> Shown
      </a>
    )
  return (
    <a
      class="button soft"
      href={routeHref('devices')}
      aria-label={`Show ${name}`}
      onClick={() => {
        app.shown.value = id
      }}
    >
      Show
    </a>
  )
}
