/** One peer in the list: glyph, name, path, what is on its way, one main action. Files can be dropped on it. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PeerInfo } from '../core/mesh.ts'
import { sendFiles, unreadOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { meetingText } from './mesh-words.ts'
import { PathLine } from './path-line.page.tsx'
import { droppedFiles, hasFiles, PickButton } from './pick.page.tsx'
import { isOpen, Progress } from './progress.page.tsx'
import { routeHref } from './routes.ts'
import { plainName } from './untrusted.ts'

const ROW_TRANSFERS = 2 // more are counted, and Transfers has them all

export function PeerRow({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element {
  const [over, setOver] = useState(false)
  const here = peer.path !== 'away'
  const name = plainName(peer.name)
  return (
    <li
      class={`row ${over ? 'over' : ''}`}
      data-peer={peer.id}
      onDragOver={(event) => setOver(here && hasFiles(event))}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.stopPropagation()
        event.preventDefault()
        setOver(false)
        if (here) void droppedFiles(app, event).then((files) => sendFiles(app, peer.id, files))
      }}
    >
      <PeerGlyph peer={peer.id} faded={!here} />
      <div class="row-text">
        <a class="row-link" href={routeHref('devices', peer.id)} aria-current={app.route.value.peer === peer.id ? 'true' : undefined}>
          <bdi class={`name ${here ? '' : 'away-name'}`}>{name}</bdi>
        </a>
        <PathLine app={app} peer={peer} why />
        <Meeting app={app} peer={peer} />
        <Unread app={app} peer={peer.id} name={name} />
      </div>
      {here ? (
        <PickButton class="button soft" label={`Send files to ${name}`} onPick={(files) => void sendFiles(app, peer.id, files)}>
          Send
        </PickButton>
      ) : (
        <a class="button soft" href={routeHref('chat', peer.id)} aria-label={`Chat with ${name}`}>
          Chat
        </a>
      )}
      <RowTransfers app={app} peer={peer} />
    </li>
  )
}

/** In which meshes we meet, when there is more than the lobby. */
function Meeting({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element | null {
  const text = meetingText(app.state.value, peer)
  return text === '' ? null : (
    <bdi class="meeting" title={text}>
      {text}
    </bdi>
  )
}

function Unread({ app, peer, name }: { app: App; peer: string; name: string }): JSX.Element | null {
  const count = unreadOf(app.state.value, peer)
  if (count === 0) return null
  return (
    <a class="badge" href={routeHref('chat', peer)} aria-label={`${count} new ${count === 1 ? 'message' : 'messages'} from ${name}`}>
      {count} new
    </a>
  )
}

function RowTransfers({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element | null {
  const open = app.state.value.transfers.filter((one) => one.peer === peer.id && isOpen(one))
  if (open.length === 0) return null
  return (
    <div class="row-below">
      {open.slice(0, ROW_TRANSFERS).map((one) => (
        <Progress key={one.id} app={app} transfer={one} />
      ))}
      {open.length > ROW_TRANSFERS && (
        <a class="more" href={routeHref('transfers')}>
          and {open.length - ROW_TRANSFERS} more
        </a>
      )}
    </div>
  )
}
