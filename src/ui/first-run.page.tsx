/** The first card: one editable name, one button. No account, no talk of keys; usable before the mesh is there. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { join } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Mark } from './icons.page.tsx'
import { Lazy } from './lazy.page.tsx'
import { NAME_CHARACTERS } from './untrusted.ts'

export function FirstRun({ app }: { app: App }): JSX.Element {
  const [name, setName] = useState(app.suggestedName)
  const invite = app.dialog.value
  return (
    <main class="first-run" id="main">
      <form
        class="card first-card"
        onSubmit={(event) => {
          event.preventDefault()
          void join(app, name)
        }}
      >
        <div class="first-brand">
          <Mark />
          <h1>DMesh</h1>
        </div>
        {invite?.kind === 'join' && <Lazy load={loadLine} props={{ app, link: invite.link }} />}
        <p class="lead">Send files and messages straight to the people and devices that open this address. No account, no cloud.</p>
        <label for="first-name">This browser will be called</label>
        <input
          id="first-name"
          class="field"
          value={name}
          maxLength={NAME_CHARACTERS}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <p class="hint">Everyone who opens {hostOf(app.origin)} sees this name.</p>
        <button type="submit" class="button primary wide">
          Join
        </button>
      </form>
    </main>
  )
}

const loadLine = async () => (await import('./join-line.page.tsx')).JoinLine

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : 'this address'
}
