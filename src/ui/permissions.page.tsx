/** Who may do what here: the rows of this peer's own policy, each with a switch. What no row allows is refused. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { PolicyRow } from '../core/access.ts'
import { nameOf, switchRow } from './actions.page.ts'
import type { App } from './app.page.ts'
import { plainName } from './untrusted.ts'
import { bytesText, dotted, durationText } from './words.ts'

export function PermissionList({ app }: { app: App }): JSX.Element {
  const [rows, setRows] = useState<readonly PolicyRow[]>()
  const load = () => app.handle.policy.rows().then(setRows, () => undefined)
  const ready = app.boot.value.stage === 'ready'
  useEffect(() => {
    if (ready) void load()
  }, [ready])
  if (!rows) return <p class="setting-line hint">Shown as soon as the mesh answers.</p>
  if (rows.length === 0) return <p class="setting-line">Nobody may do anything here.</p>
  return (
    <ul class="permissions">
      {rows.map((row) => (
        <li key={row.id} class="setting">
          <label for={`row-${row.id}`}>
            {plainName(row.label, row.id, 120)}
            <span class="hint">{limitsText(app, row)}</span>
          </label>
          <input
            id={`row-${row.id}`}
            type="checkbox"
            class="switch"
            checked={isOn(row, app.now.value)}
            onChange={(event) => void switchRow(app, row, event.currentTarget.checked).then(load)}
          />
        </li>
      ))}
    </ul>
  )
}

function isOn(row: PolicyRow, now: number): boolean {
  return row.until === undefined || row.until > now
}

/** The limits of a row, and the person it is for when it is for one; who else it means is in its label. */
function limitsText(app: App, row: PolicyRow): string {
  const people = row.who.filter((one) => one.startsWith('peer:')).map((one) => nameOf(app.state.value, one.slice(5)))
  const { rate, concurrent, bytes, time } = row.limits ?? {}
  return dotted([
    people.join(', '),
    row.effect === 'deny' ? 'never' : '',
    rate === undefined ? '' : `at most ${rate} a minute`,
    concurrent === undefined ? '' : `${concurrent} at once`,
    bytes === undefined ? '' : `up to ${bytesText(bytes)} each`,
    time === undefined ? '' : `up to ${durationText(time / 1000)} each`,
  ])
}
