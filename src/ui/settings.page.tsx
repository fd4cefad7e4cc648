/** Settings: my name, this browser, who may do what, relays, and what a person who helps would ask for. */
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Backup } from './backup.page.tsx'
import { CopyField } from './copy-field.page.tsx'
import { reachText } from './devices.page.tsx'
import { Diagnostics } from './diagnostics.page.tsx'
import { MessageSettings } from './message-settings.page.tsx'
import { PermissionList } from './permissions.page.tsx'
import { RelayList } from './relays.page.tsx'
import { StorageNote } from './storage-note.page.tsx'
import { NAME_CHARACTERS, plainName } from './untrusted.ts'
import { InstallCard, UpdateCard } from './version.page.tsx'

export function Settings({ app }: { app: App }): JSX.Element {
  return (
    <div class="column">
      <h1 tabIndex={-1}>Settings</h1>
      <Section title="You">
        <You app={app} />
      </Section>
      <Section title="This browser">
        <p class="setting-line">{capital(reachText(app.state.value, app.online.value))}.</p>
        <StorageNote app={app} />
        <InstallCard app={app} />
      </Section>
      <Section title="Messages">
        <MessageSettings app={app} />
      </Section>
      <Section title="Who may do what">
        <PermissionList app={app} />
      </Section>
      <Section title="Relays">
        <RelayList app={app} />
      </Section>
      <Section title="Back up">
        <Backup app={app} />
      </Section>
      <Section title="Version">
        <UpdateCard app={app} />
        <Diagnostics app={app} />
      </Section>
    </div>
  )
}

function Section({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section aria-label={title}>
      <h2 class="group">{title}</h2>
      <div class="card section">{children}</div>
    </section>
  )
}

function You({ app }: { app: App }): JSX.Element {
  const { name, names } = app.state.value
  return (
    <>
      <NameForm key={name} app={app} name={name} />
      <details>
        <summary>Details</summary>
        <p class="hint">This browser made its own key. The key cannot leave it; these are its names.</p>
        <CopyField app={app} label="Peer ID" value={names.peerId} />
        <CopyField app={app} label="did:key" value={names.didKey} />
        <CopyField app={app} label="IPv6" value={names.vip} />
        <CopyField app={app} label="CID" value={names.cid} />
      </details>
    </>
  )
}

function NameForm({ app, name }: { app: App; name: string }): JSX.Element {
  const [text, setText] = useState(plainName(name, app.suggestedName))
  const save = async () => {
    const chosen = plainName(text, app.suggestedName)
    if (await attempt(app, 'The name was not changed.', () => app.handle.rename(chosen))) app.live.value = `You are now called ${chosen}.`
  }
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <label for="my-name">My name, seen by everyone in the lobby</label>
      <div class="field-row">
        <input
          id="my-name"
          class="field"
          dir="auto"
          value={text}
          maxLength={NAME_CHARACTERS}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button soft">
          Save
        </button>
      </div>
    </form>
  )
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
