/** One device: how it is reached and why, what one can do, my own name for it, and its key under Details. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { PeerInfo } from '../core/mesh.ts'
import { attempt, sendFiles } from './actions.page.ts'
import type { App } from './app.page.ts'
import { CopyField } from './copy-field.page.tsx'
import { PeerGlyph } from './glyph.page.tsx'
import { Icon } from './icons.page.tsx'
import { meetingText } from './mesh-words.ts'
import { PathLine } from './path-line.page.tsx'
import { PickButton } from './pick.page.tsx'
import { routeHref } from './routes.ts'
import { NAME_CHARACTERS, plainName } from './untrusted.ts'
import { whyOf } from './why.ts'
import { rttText } from './words.ts'

export function PeerPane({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element {
  const here = peer.path !== 'away'
  const name = plainName(peer.name)
  const meeting = meetingText(app.state.value, peer)
  const Heading = app.wide.value ? 'h2' : 'h1' // alone on a phone's screen, beside the list on a wide one
  return (
    <section class="card peer-pane" aria-label={name}>
      <div class="peer-head">
        <a class="icon-button" href={routeHref('devices')} aria-label="Back to all devices">
          <Icon name={app.wide.value ? 'close' : 'back'} />
        </a>
        <PeerGlyph peer={peer.id} faded={!here} />
        <div class="row-text">
          <Heading class="name pane-title" tabIndex={-1}>
            <bdi>{name}</bdi>
          </Heading>
          <PathLine app={app} peer={peer} />
        </div>
      </div>
      <div class="actions">
        {here && (
          <PickButton class="button primary" label={`Send files to ${name}`} onPick={(files) => void sendFiles(app, peer.id, files)}>
            Send
          </PickButton>
        )}
        <a class="button soft" href={routeHref('chat', peer.id)}>
          Chat
        </a>
        {here && <PingButton key={peer.id} app={app} peer={peer} />}
      </div>
      {meeting && (
        <p class="hint">
          You meet in: <bdi>{meeting}</bdi>
        </p>
      )}
      <WhyPanel app={app} peer={peer} />
      <Petname key={peer.id} app={app} peer={peer} />
      <details>
        <summary>Details</summary>
        <CopyField app={app} label="Peer ID" value={peer.id} />
        <p class="hint">
          {peer.kind ? `It says it is a ${plainName(peer.kind, 'peer', 20)}. ` : ''}A name and a drawing help to recognise somebody; they prove
          nothing.
        </p>
      </details>
    </section>
  )
}

function WhyPanel({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element {
  const why = whyOf(peer, app.state.value)
  const Heading = app.wide.value ? 'h3' : 'h2'
  return (
    <div class="why-panel">
      <Heading>{why.title}</Heading>
      <dl>
        {peer.path !== 'away' && (
          <>
            <dt>Tried</dt>
            <dd>
              {why.tried.map((line, i) => (
                <p key={i}>{line}</p>
              ))}
            </dd>
          </>
        )}
        <dt>Now</dt>
        <dd>{why.now}</dd>
        {peer.path !== 'direct' && (
          <>
            <dt>Try</dt>
            <dd>
              {why.advice.map((line) => (
                <p key={line}>{line}</p>
              ))}
            </dd>
          </>
        )}
      </dl>
    </div>
  )
}

function PingButton({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element {
  const [text, setText] = useState('Measure')
  const [busy, setBusy] = useState(false)
  const measure = async () => {
    setBusy(true)
    const measured = await attempt(app, `${plainName(peer.name)} did not answer.`, async () =>
      setText(`Measured ${rttText(await app.handle.ping(peer.id))}`),
    )
    if (!measured) setText('Measure')
    setBusy(false)
  }
  return (
    <button type="button" class="button soft" aria-live="polite" disabled={busy} onClick={() => void measure()}>
      {busy ? 'Measuring…' : text}
    </button>
  )
}

function Petname({ app, peer }: { app: App; peer: PeerInfo }): JSX.Element {
  const [name, setName] = useState(plainName(peer.name))
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault()
        void attempt(app, 'The name was not changed.', () => app.handle.rename(plainName(name, ''), peer.id))
      }}
    >
      <label for="petname">My name for it</label>
      <div class="field-row">
        <input
          id="petname"
          class="field"
          dir="auto"
          value={name}
          maxLength={NAME_CHARACTERS}
          autocomplete="off"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" class="button soft">
          Save
        </button>
      </div>
    </form>
  )
}
