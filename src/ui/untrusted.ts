/** Text that a peer chose, made fit to show: controls and bidi overrides out, marks and length capped. It is rendered as text only; must never become markup or a path. */

/** Characters of a name that are shown; more says nothing and breaks rows. */
export const NAME_CHARACTERS = 48
/** Characters of one message that are shown; the wire carries up to 256 KiB. */
export const MESSAGE_CHARACTERS = 8000
/** Characters of a file name that are shown. */
export const FILE_NAME_CHARACTERS = 120

// C0/C1 controls, bidi marks and overrides, zero-width (but not the joiners scripts and emoji need), line separators, BOM, tags, interlinear marks
const HIDDEN = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu
const HIDDEN_BUT_LINES =
  /(?![\n\t])[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu
const LONE_SURROGATE = /\p{Cs}/gu

/** One line; `fallback` when nothing visible is left. */
export function plainName(text: string, fallback = 'Unnamed', cap = NAME_CHARACTERS): string {
  const clean = tidy(text.slice(0, cap * 8).replace(HIDDEN, ' '))
    .replace(/\s+/gu, ' ')
    .trim()
  return clip(clean, cap) || fallback
}

/** Several lines; `clipped` when there was more than is shown. */
export function plainMessage(text: string): { readonly text: string; readonly clipped: boolean } {
  const clean = tidy(
    text
      .slice(0, MESSAGE_CHARACTERS * 2)
      .replaceAll('\r\n', '\n')
      .replace(HIDDEN_BUT_LINES, ''),
  )
  const shown = clip(clean.replace(/\n{4,}/g, '\n\n\n'), MESSAGE_CHARACTERS)
  return { text: shown, clipped: text.length > MESSAGE_CHARACTERS }
}

/** A name for the download dialog: no separators, no leading dot, the end (extension) kept. */
export function plainFileName(text: string): string {
  const clean = plainName(text.replace(/[/\\:*?"<>|]/g, '_'), 'file', 400).replace(/^\.+/, '') || 'file'
  return shortenMiddle(clean, FILE_NAME_CHARACTERS)
}

/** Cut out the middle so that start and end stay readable. */
export function shortenMiddle(text: string, cap: number): string {
  const characters = Array.from(text)
  if (characters.length <= cap) return text
  const tail = Math.min(12, Math.floor(cap / 3))
  return `${characters.slice(0, cap - tail - 1).join('')}…${characters.slice(-tail).join('')}`
}

function tidy(text: string): string {
  return text.replace(LONE_SURROGATE, '').replace(STACKED_MARKS, '$1')
}

function clip(text: string, cap: number): string {
  const characters = Array.from(text)
  return characters.length > cap ? `${characters.slice(0, cap - 1).join('')}…` : text
}
