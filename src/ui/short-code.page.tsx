/** Short codes: two digits and two words that one person says to another. Shown to who invites, typed in by who joins; what comes of it is an invite like any other, so the join sheet asks. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { MeshInfo } from '../core/meshes.ts'
import type { App } from './app.page.ts'
import { ProblemText, useTask } from './task.page.tsx'
import { plainName } from './untrusted.ts'
import { durationText } from './words.ts'

export function ShowShortCode({ app, mesh }: { app: App; mesh: MeshInfo }): JSX.Element {
  const [made, setMade] = useState<{ readonly code: string; readonly until: number }>()
  const task = useTask()
  const make = () => task.run('No code was made.', async () => setMade(await app.handle.meshes.shortCode(mesh.id)))
  const left = made ? made.until - app.now.value : 0
  return (
    <div class="short-code">
      {made && left > 0 ? (
        <>
          <p class="mono code-text" role="status">
            {made.code}
          </p>
          <p class="hint">
            Say it to one person who is here now. It works for {durationText(left / 1000)} and for one try: when they are told it was wrong, make
            another.
          </p>
        </>
      ) : (
        <p class="hint">On the phone, or across the room? A few words do.</p>
      )}
      <button type="button" class="button soft" disabled={task.busy} onClick={() => void make()}>
        {made ? 'Another short code' : 'Use a short code'}
      </button>
      <ProblemText problem={task.problem} />
    </div>
  )
}

export function EnterShortCode({ app, onLink }: { app: App; onLink(link: string): void }): JSX.Element {
  const here = app.state.value.peers.filter(({ path, kind }) => path !== 'away' && kind !== 'relay')
  const [peer, setPeer] = useState('')
  const [text, setText] = useState('')
  const task = useTask()
  const from = here.find(({ id }) => id === peer) ?? here[0]
  const enter = () =>
    task.run('The code did not work.', async (signal) => {
      if (from) onLink(await app.handle.meshes.enterCode(from.id, text, { signal }))
    })
  return (
    <details>
      <summary>I was told a short code</summary>
      {from ? (
        <form
          class="inline-form"
          onSubmit={(event) => {
            event.preventDefault()
            void enter()
          }}
        >
          <label for="code-from">Who told you</label>
          <select id="code-from" class="field" value={from.id} onChange={(event) => setPeer(event.currentTarget.value)}>
            {here.map(({ id, name }) => (
              <option key={id} value={id}>
                {plainName(name, 'Somebody')}
              </option>
            ))}
          </select>
          <label for="short-code">The code</label>
          <div class="field-row">
            <input
              id="short-code"
              class="field"
              value={text}
              placeholder="42-word-word"
              maxLength={60}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              onInput={(event) => setText(event.currentTarget.value)}
            />
            <button type="submit" class="button soft" disabled={task.busy || text.trim() === ''}>
              {task.busy ? 'Asking…' : 'Look'}
            </button>
          </div>
          <p class="hint">Each code can be tried once.</p>
        </form>
      ) : (
        <p class="hint">Nobody is here now. Whoever told you the code has to be online and in your list.</p>
      )}
      <ProblemText problem={task.problem} />
    </details>
  )
}
