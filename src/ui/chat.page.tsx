/** Chat: one conversation a peer. Messages are text, shown as text; they wait here until the other side has them. */
import type { JSX } from 'preact'
import type { MessageInfo, PeerInfo } from '../core/mesh.ts'
import { CHAT_TOPIC, nameOf, unreadOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Conversation } from './conversation.page.tsx'
import { PeerGlyph } from './glyph.page.tsx'
import { routeHref } from './routes.ts'
import { plainMessage } from './untrusted.ts'
import { whenText } from './words.ts'

interface Talk {
  readonly peer: string
  readonly info?: PeerInfo
  readonly last?: MessageInfo
  readonly unread: number
}

export function Chat({ app }: { app: App }): JSX.Element {
  const open = app.route.value.peer
  const wide = app.wide.value
  if (open && !wide)
    return (
      <div class="column talk">
        <Conversation key={open} app={app} peer={open} />
      </div>
    )
  return (
    <div class="columns">
      <div class="list">
        <TalkList app={app} />
      </div>
      {wide && <div class="pane">{open ? <Conversation key={open} app={app} peer={open} /> : <p class="card empty">Choose a conversation.</p>}</div>}
    </div>
  )
}

/** Conversations with the newest first, then everybody else who is here. */
export function talksOf(app: App): readonly Talk[] {
  const { messages, peers } = app.state.value
  const chat = messages.filter((one) => one.topic === CHAT_TOPIC)
  const ids = new Set([...chat.map((one) => one.peer), ...peers.filter((one) => one.path !== 'away').map((one) => one.id)])
  const talks = [...ids].map((peer): Talk => {
    const own = chat.filter((one) => one.peer === peer)
    return {
      peer,
      info: peers.find((one) => one.id === peer),
      last: own.at(-1),
      unread: unreadOf(app.state.value, peer),
    }
  })
  return talks.sort((a, b) => (b.last?.at ?? 0) - (a.last?.at ?? 0))
}

export function unreadCount(app: App): number {
  return talksOf(app).reduce((sum, talk) => sum + talk.unread, 0)
}

function TalkList({ app }: { app: App }): JSX.Element {
  const talks = talksOf(app)
  return (
    <>
      <h1 tabIndex={-1}>Chat</h1>
      {talks.length === 0 ? (
        <p class="card empty">Nobody to talk to yet. As soon as somebody opens this address, they are listed here.</p>
      ) : (
        <ul class="rows card">
          {talks.map((talk) => (
            <TalkRow key={talk.peer} app={app} talk={talk} />
          ))}
        </ul>
      )}
    </>
  )
}

function TalkRow({ app, talk }: { app: App; talk: Talk }): JSX.Element {
  const { peer, info, last, unread } = talk
  return (
    <li class="row">
      <PeerGlyph peer={peer} faded={!info || info.path === 'away'} />
      <div class="row-text">
        <a class="row-link" href={routeHref('chat', peer)} aria-current={app.route.value.peer === peer ? 'true' : undefined}>
          <bdi class="name">{nameOf(app.state.value, peer)}</bdi>
        </a>
        <span class="path clip">{last ? <bdi>{preview(last)}</bdi> : 'No messages yet'}</span>
      </div>
      <span class="talk-side">
        {last && <span class="hint num">{whenText(last.at, app.now.value)}</span>}
        {unread > 0 && <span class="badge">{unread} new</span>}
      </span>
    </li>
  )
}

function preview(message: MessageInfo): string {
  const text = message.text === undefined ? 'Not a text' : plainMessage(message.text).text.slice(0, 120)
  return message.direction === 'out' ? `You: ${text}` : text
}
