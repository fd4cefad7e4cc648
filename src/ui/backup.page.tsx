/** Recovery words in Settings: shown when asked for, with what they bring back and what they do not; and the way back on another device. Must never put them anywhere but on the screen and, when told to, the clipboard. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { copyText } from './actions.page.ts'
import type { App } from './app.page.ts'
import { meshName } from './mesh-words.ts'
import { ProblemText, useTask } from './task.page.tsx'

export function Backup({ app }: { app: App }): JSX.Element {
  const [words, setWords] = useState<readonly string[]>()
  const task = useTask()
  const show = () => task.run('There are no words to show.', async () => setWords(await app.handle.meshes.backup()))
  return (
    <>
      <p class="setting-line">Twelve words bring the private meshes you made back to you when this device is lost.</p>
      {words ? (
        <Words app={app} words={words} onHide={() => setWords(undefined)} />
      ) : (
        <div class="sheet-actions">
          <button type="button" class="button soft" disabled={task.busy} onClick={() => void show()}>
            Show my recovery words
          </button>
        </div>
      )}
      <ProblemText problem={task.problem} />
      <p class="hint">
        In it: the key that owns the meshes you made. Not in it: meshes that others made (ask for a new invite), messages, files, names you gave to
        people. The relays of a mesh keep its sealed list of members; without them the words bring nothing back.
      </p>
      <Restore app={app} />
    </>
  )
}

function Words({ app, words, onHide }: { app: App; words: readonly string[]; onHide(): void }): JSX.Element {
  return (
    <>
      <p>
        <strong>Write them down in this order, and keep the paper where you keep keys.</strong> Whoever has them owns your meshes.
      </p>
      <ol class="recovery-words">
        {words.map((word, i) => (
          <li key={i} class="mono">
            {word}
          </li>
        ))}
      </ol>
      <div class="sheet-actions">
        <button type="button" class="button soft" onClick={onHide}>
          Hide
        </button>
        <button type="button" class="button plain" onClick={() => void copyText(app, words.join(' '))}>
          Copy
        </button>
      </div>
    </>
  )
}

function Restore({ app }: { app: App }): JSX.Element {
  const [text, setText] = useState('')
  const [found, setFound] = useState<readonly string[]>()
  const task = useTask()
  const restore = async () => {
    const done = await task.run('Nothing was restored.', async (signal) => setFound(await app.handle.meshes.restore(text, { signal })))
    if (done) setText('')
  }
  return (
    <details>
      <summary>I have recovery words from another device</summary>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault()
          void restore()
        }}
      >
        <label for="recovery">The words, in their order</label>
        <textarea
          id="recovery"
          class="field"
          rows={3}
          value={text}
          maxLength={1000}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <div class="sheet-actions">
          <button type="submit" class="button primary" disabled={task.busy || text.trim() === ''}>
            {task.busy ? 'Asking the relays…' : 'Restore'}
          </button>
        </div>
      </form>
      <ProblemText problem={task.problem} />
      {found && (
        <p role="status">
          {found.length === 0
            ? 'The words are right, but none of your relays knows a mesh they made. Add the relay of the mesh under Relays, then try again.'
            : `You own again: ${namesOf(app, found)}. Remove the lost device on the page of each mesh.`}
        </p>
      )}
    </details>
  )
}

function namesOf(app: App, ids: readonly string[]): string {
  return app.state.value.meshes
    .filter(({ id }) => ids.includes(id))
    .map(meshName)
    .join(', ')
}
