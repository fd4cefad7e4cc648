/** A key or an address: short in the middle, whole on click, copied by a button. For Details only. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { copyText } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Icon } from './icons.page.tsx'
import { shortenMiddle } from './untrusted.ts'

interface CopyFieldProps {
  readonly app: App
  readonly label: string
  readonly value: string
}

const SHORT = 14 // characters

export function CopyField({ app, label, value }: CopyFieldProps): JSX.Element {
  const [whole, setWhole] = useState(false)
  return (
    <div class="copy-field">
      <span class="copy-label">{label}</span>
      <button type="button" class="mono copy-value" aria-expanded={whole} onClick={() => setWhole(!whole)}>
        <span class="hidden">{label} </span>
        {whole ? value : shortenMiddle(value, SHORT)}
      </button>
      <button type="button" class="icon-button" aria-label={`Copy ${label}`} onClick={() => void copyText(app, value)}>
        <Icon name="copy" />
      </button>
    </div>
  )
}
