/** The page of a folder without an index: its names as links, sizes and dates. Pure. Must never let a name become anything but text. */
import type { TreeEntry } from '../../core/tree.ts'

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;overflow-wrap:anywhere}table{width:100%;border-collapse:collapse}td{padding:.4rem .5rem;border-top:1px solid color-mix(in srgb,currentColor 15%,transparent)}
td:first-child{overflow-wrap:anywhere}td+td{white-space:nowrap;text-align:right;opacity:.75}a{color:inherit}@media(max-width:30rem){td:last-child{display:none}}`

/** `more`: there are others that are not listed. */
export function listingPage(path: readonly string[], entries: readonly TreeEntry[], more: boolean): string {
  const title = toHtml(path.at(-1) ?? 'Files')
  const sorted = [...entries].sort(
    (a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || a.name.localeCompare(b.name, 'en', { numeric: true }),
  )
  const up = path.length > 0 ? ['<tr><td><a href="../">Up</a></td><td></td><td></td></tr>'] : []
  const empty = entries.length === 0 ? '<p>Nothing in here.</p>' : ''
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1><table>${[...up, ...sorted.map(row)].join('\n')}</table>${empty}${more ? '<p>There is more than this page shows.</p>' : ''}</main></body></html>
`
}

function row({ name, kind, size, modified }: TreeEntry): string {
  const end = kind === 'folder' ? '/' : ''
  const date = modified === undefined ? '' : new Date(modified).toISOString().slice(0, 10)
  return `<tr><td><a href="./${encodeURIComponent(name)}${end}">${toHtml(name)}${end}</a></td><td>${size === undefined ? '' : sizeText(size)}</td><td>${date}</td></tr>`
}

/** Powers of 1000, as file managers show them. */
function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes, 0]
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`
}

function toHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
