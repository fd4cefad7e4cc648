/** One conversation: the messages with their state, and the field to write in. Enter sends, Shift+Enter makes a new line. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { MessageInfo } from '../core/mesh.ts'
import { CHAT_TOPIC, nameOf, peerOf, sendText } from './actions.page.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { Icon, type IconName } from './icons.page.tsx'
import { PathLine } from './path-line.page.tsx'
import { routeHref } from './routes.ts'
import { plainMessage } from './untrusted.ts'
import { bytesText, whenText } from './words.ts'

const MAX_BYTES = 256 * 1024 // cap of one message on the wire

export function Conversation({ app, peer }: { app: App; peer: string }): JSX.Element {
  const state = app.state.value
  const info = peerOf(state, peer)
  const messages = state.messages.filter((one) => one.peer === peer && one.topic === CHAT_TOPIC)
  const end = useRef<HTMLDivElement>(null)
  const newest = messages.at(-1)
  const Heading = app.wide.value ? 'h2' : 'h1' // alone on a phone's screen, beside the list on a wide one
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'end' })
  }, [newest?.id])
  const seen = app.visible.value ? messages.findLast((one) => one.direction === 'in' && one.status === 'delivered')?.id : undefined
  useEffect(() => {
    // A failure leaves it unread, which is what the screen goes on saying.
    if (seen) app.handle.read(peer, seen).catch(() => undefined)
  }, [seen])
  return (
    <section class="card conversation" aria-label={`Conversation with ${nameOf(state, peer)}`}>
      <div class="peer-head">
        {!app.wide.value && (
          <a class="icon-button" href={routeHref('chat')} aria-label="Back to all conversations">
            <Icon name="back" />
          </a>
        )}
        <PeerGlyph peer={peer} faded={!info || info.path === 'away'} />
        <div class="row-text">
          <Heading class="name pane-title" tabIndex={-1}>
            <bdi>{nameOf(state, peer)}</bdi>
          </Heading>
          {info && <PathLine app={app} peer={info} why />}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="messages" tabIndex={0} role="log" aria-live="off" aria-label="Messages">
        {messages.length === 0 && (
          <p class="hint centre">
            No messages yet. What you write is sealed to this device{info?.path === 'away' ? ' and waits until it is back' : ''}.
          </p>
        )}
        {messages.map((one) => (
          <Bubble key={one.id} message={one} now={app.now.value} />
        ))}
        <div ref={end} />
      </div>
      <Composer app={app} peer={peer} />
    </section>
  )
}

function Bubble({ message, now }: { message: MessageInfo; now: number }): JSX.Element {
  const shown = plainMessage(message.text ?? '')
  const mine = message.direction === 'out'
  return (
    <div class={`bubble ${mine ? 'mine' : 'theirs'}`} data-message={message.id}>
      <span class="hidden">{mine ? 'You: ' : 'They: '}</span>
      {message.text === undefined ? (
        <em>{bytesText(message.size)} that are not text</em>
      ) : (
        <span class="bubble-text" dir="auto">
          {shown.text}
        </span>
      )}
      {shown.clipped && <span class="hint">Shortened: the whole is {bytesText(message.size)}.</span>}
      <span class="bubble-meta num">
        {whenText(message.at, now)}
        {mine && <Receipt status={message.status} />}
      </span>
    </div>
  )
}

const RECEIPTS: Readonly<Record<MessageInfo['status'], readonly [IconName, string]>> = {
  waiting: ['clock', 'waiting'],
  delivered: ['check', 'delivered'],
  read: ['checks', 'read'],
  expired: ['close', 'not delivered in 30 days'],
}

function Receipt({ status }: { status: MessageInfo['status'] }): JSX.Element {
  const [icon, word] = RECEIPTS[status]
  return (
    <span class={`receipt receipt-${status}`}>
      {' · '}
      <Icon name={icon} />
      {word}
    </span>
  )
}

function Composer({ app, peer }: { app: App; peer: string }): JSX.Element {
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const tooLong = new TextEncoder().encode(text).byteLength > MAX_BYTES
  const submit = async () => {
    if (text.trim() === '' || busy || tooLong) return
    setBusy(true)
    if (await sendText(app, peer, text)) setText('')
    setBusy(false)
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <textarea
        class="field"
        dir="auto"
        rows={1}
        aria-label={`Message to ${nameOf(app.state.value, peer)}`}
        placeholder="Write a message"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          void submit()
        }}
      />
      <button type="submit" class="button primary" disabled={busy || tooLong}>
        Send
      </button>
      {tooLong && (
        <p class="hint bad" role="alert">
          A message can hold 262 kB. Send this as a file.
        </p>
      )}
    </form>
  )
}
