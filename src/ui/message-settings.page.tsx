/** Two switches about messages: whether senders learn that I read, and whether this browser tells me of new ones while the page is hidden. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'
import { askToNotify, mayNotify } from './notifications.page.ts'

export function MessageSettings({ app }: { app: App }): JSX.Element {
  const [notify, setNotify] = useState(mayNotify(app))
  const change = async (on: boolean) => {
    setNotify(on)
    setNotify(await askToNotify(app, on))
  }
  return (
    <ul class="permissions">
      <Switch
        id="send-receipts"
        label="Tell people when I have read their messages"
        hint="Off: they see “delivered” and no more."
        checked={app.state.value.settings.sendReceipts}
        onChange={(on) => void attempt(app, 'This was not changed.', () => app.handle.configure({ sendReceipts: on }))}
      />
      <Switch
        id="notify"
        label="Notify me of messages while this page is hidden"
        hint="The browser asks once. Name and first words are shown by your system."
        checked={notify}
        onChange={(on) => void change(on)}
      />
    </ul>
  )
}

interface SwitchProps {
  readonly id: string
  readonly label: string
  readonly hint: string
  readonly checked: boolean
  readonly onChange: (on: boolean) => void
}

function Switch({ id, label, hint, checked, onChange }: SwitchProps): JSX.Element {
  return (
    <li class="setting">
      <label for={id}>
        {label}
        <span class="hint">{hint}</span>
      </label>
      <input id={id} type="checkbox" class="switch" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
    </li>
  )
}
