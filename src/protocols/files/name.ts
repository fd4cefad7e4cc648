/** File names that a peer chose, made safe to show and to save under. Must never let a separator, a control or a direction mark through. */
import { toUtf8 } from '../../shared/bytes.ts'
import { MAX_NAME } from './limits.ts'

// Controls, lone surrogates, line ends, direction marks (a name must not read backwards: "gpj.exe") and invisible characters.
const INVISIBLE = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu
const SEPARATORS = /[/\\:*?"<>|]/g // of any system it may be saved on
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i // devices on Windows
const MAX_EXTENSION = 16 // characters kept, dot included, when a name is cut

/** Never empty, at most 255 bytes of UTF-8, no path, no leading dot, no trailing dot or space. 'file' when nothing is left. */
export function safeName(raw: string): string {
  const clean = raw
    .normalize('NFC')
    .replace(INVISIBLE, '')
    .replace(SEPARATORS, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '')
  const named = clean === '' ? 'file' : RESERVED.test(clean) ? `_${clean}` : clean
  return fit(named)
}

function fit(name: string): string {
  if (bytes(name) <= MAX_NAME) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && name.length - dot <= MAX_EXTENSION ? name.slice(dot) : ''
  const room = MAX_NAME - bytes(extension)
  let stem = ''
  let used = 0
  for (const character of name.slice(0, name.length - extension.length)) {
    used += bytes(character)
    if (used > room) break
    stem += character
  }
  return stem.trimEnd() + extension
}

function bytes(text: string): number {
  return toUtf8(text).byteLength
}
