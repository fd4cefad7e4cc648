/** New mesh: one name, one button; then it is shown. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { App } from './app.page.ts'
import { routeHref } from './routes.ts'
import { Sheet } from './sheet.page.tsx'
import { ProblemText, useTask } from './task.page.tsx'
import { NAME_CHARACTERS, plainName } from './untrusted.ts'

export function NewMeshSheet({ app }: { app: App }): JSX.Element {
  const [name, setName] = useState('')
  const task = useTask()
  const close = () => {
    app.dialog.value = undefined
  }
  const create = () =>
    task.run('The mesh was not made.', async () => {
      const id = await app.handle.meshes.create(plainName(name, ''))
      app.shown.value = id
      app.live.value = `${plainName(name)} is made.`
      close()
      location.hash = routeHref('meshes', id)
    })
  return (
    <Sheet title="New mesh" onClose={close}>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim() !== '') void create()
        }}
      >
        <label for="mesh-name">Name, seen by its members only</label>
        <input
          id="mesh-name"
          class="field"
          dir="auto"
          value={name}
          maxLength={NAME_CHARACTERS}
          placeholder="Family"
          autocomplete="off"
          required
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <p class="hint">Only people you invite see who is in it. The relay carries it and can read neither its name nor yours.</p>
        <ProblemText problem={task.problem} />
        <div class="sheet-actions">
          <button type="submit" class="button primary" disabled={task.busy}>
            {task.busy ? 'Making…' : 'Make it'}
          </button>
        </div>
      </form>
    </Sheet>
  )
}
