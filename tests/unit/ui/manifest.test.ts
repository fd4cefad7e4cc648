/** The manifest names files that exist, with the sizes they have, so that browsers offer to install. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'

interface Picture {
  readonly src: string
  readonly sizes: string
  readonly type?: string
  readonly purpose?: string
}

const PUBLIC = new URL('../../../public/', import.meta.url)
const manifest: {
  id: string
  display: string
  start_url: string
  icons: Picture[]
  screenshots: Picture[]
  shortcuts: { url: string; icons: Picture[] }[]
} = JSON.parse(readFileSync(new URL('manifest.webmanifest', PUBLIC), 'utf8'))

describe('manifest', () => {
  for (const { src, sizes } of [...manifest.icons, ...manifest.screenshots, ...manifest.shortcuts.flatMap((one) => one.icons)]) {
    it(`${src} is there in ${sizes}`, () => {
      const bytes = readFileSync(new URL(src.slice(1), PUBLIC))
      if (src.endsWith('.png')) assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes)
      else assert.match(bytes.toString('utf8'), /^<svg /)
    })
  }

  it('has what an installable page needs', () => {
    assert.equal(manifest.id, '/')
    assert.equal(manifest.display, 'standalone')
    for (const size of ['192x192', '512x512']) assert.ok(manifest.icons.some((icon) => icon.sizes === size && icon.purpose === undefined))
    assert.ok(manifest.icons.some((icon) => icon.purpose === 'maskable'))
    for (const { url } of manifest.shortcuts) assert.match(url, /^\/#\/[a-z]+$/)
  })
})
