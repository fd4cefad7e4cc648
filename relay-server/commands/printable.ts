/** Texts of others on a terminal: nothing in them may move the cursor, change the title, or hide what is written. Pure. */
import type { PeerInfo } from '../../src/core/mesh.ts'
import { plainMessage, plainName } from '../../src/ui/untrusted.ts'

/** One line without controls, marks of direction and stacked marks; at most 48 characters. */
export function printable(text: string, otherwise = ''): string {
  return plainName(text, otherwise)
}

/** A message: its line ends stay. */
export function printableText(text: string): string {
  const { text: shown, clipped } = plainMessage(text)
  return clipped ? `${shown}…` : shown
}

/** Longer than a name: a file's, a sentence of somebody else's program. */
export function printableLine(text: string, most = 255): string {
  return plainName(text, '', most)
}

/** How a peer is called here; its PeerID when it has no name. */
export function nameOf({ id, name }: Pick<PeerInfo, 'id' | 'name'>): string {
  return printable(name, id)
}

/** `1.5 MB`, as disks are sold. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const at = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** at
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`
}

/** `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function timeText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
