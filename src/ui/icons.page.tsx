/** The few drawings of the page: the mark and line icons on a 24 grid, in the colour of the text. Decorative: the words stand beside them. */
import type { JSX } from 'preact'

export type IconName =
  | 'devices'
  | 'transfers'
  | 'chat'
  | 'sites'
  | 'settings'
  | 'close'
  | 'back'
  | 'file'
  | 'up'
  | 'down'
  | 'copy'
  | 'check'
  | 'checks'
  | 'clock'
  | 'relay'

const PATHS: Readonly<Record<IconName, string>> = {
  devices:
    'M20 8V6.5A1.5 1.5 0 0 0 18.5 5h-13A1.5 1.5 0 0 0 4 6.5V15M2 19h11M16.5 10.5h4a1 1 0 0 1 1 1V18a1 1 0 0 1-1 1h-4a1 1 0 0 1-1-1v-6.5a1 1 0 0 1 1-1ZM4 15h9',
  transfers: 'M8 4v15m0 0-3.5-3.5M8 19l3.5-3.5M16 20V5m0 0-3.5 3.5M16 5l3.5 3.5',
  chat: 'M4 5.5A1.5 1.5 0 0 1 5.5 4h13A1.5 1.5 0 0 1 20 5.5v9a1.5 1.5 0 0 1-1.5 1.5H9l-5 4.2Z',
  sites:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 0c2.6 2.6 3.8 5.6 3.8 9s-1.2 6.4-3.8 9c-2.6-2.6-3.8-5.6-3.8-9S9.4 5.6 12 3ZM3.3 9.5h17.4M3.3 14.5h17.4',
  settings:
    'M12 8.7a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6ZM12 2.8v2.7m0 13v2.7M2.8 12h2.7m13 0h2.7M5.5 5.5l1.9 1.9m9.2 9.2 1.9 1.9m0-13-1.9 1.9m-9.2 9.2-1.9 1.9',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  file: 'M7 3.5h7l4.5 4.5v11a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.5 19V5A1.5 1.5 0 0 1 7 3.5Zm7 0V8h4.5',
  up: 'M12 19V5m0 0-5 5m5-5 5 5',
  down: 'M12 5v14m0 0-5-5m5 5 5-5',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  checks: 'M2 12.5l4.5 4.5L16 7.5m-4.5 8L13 17l9-9.5',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Zm0 3.5V12l3 2',
  relay: 'M5 8h14M5 12h14M5 16h14',
}

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** A triangle of joined dots with one hollow dot inside: someone is always joining. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 6 5.5 25.5h21L16 6Zm0 0v10.3M5.5 25.5l8-5.2m13 5.2-8-5.2" />
      <circle class="solid" cx="16" cy="6" r="3.6" />
      <circle class="solid" cx="5.5" cy="25.5" r="3.6" />
      <circle class="solid" cx="26.5" cy="25.5" r="3.6" />
      <circle class="hollow" cx="16" cy="18.8" r="2.9" />
    </svg>
  )
}
