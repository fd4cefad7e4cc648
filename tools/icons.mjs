/** Renders public/icons/*.png from public/icons/icon.svg with Chromium. Run by hand after the mark changed: node tools/icons.mjs */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { root, say } from './say.mjs'

const ICONS = join(root, 'public', 'icons')
/** Share of the picture that the mark fills: a maskable one may be cut to a circle of 80 %. */
const PICTURES = [
  { file: 'icon-192.png', size: 192, share: 0.78, radius: 0.22 },
  { file: 'icon-512.png', size: 512, share: 0.78, radius: 0.22 },
  { file: 'maskable-512.png', size: 512, share: 0.56, radius: 0 },
]

async function main() {
  const svg = await readFile(join(ICONS, 'icon.svg'), 'utf8')
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    for (const picture of PICTURES) {
      await page.setViewportSize({ width: picture.size, height: picture.size })
      await page.setContent(documentFor(svg, picture))
      await writeFile(join(ICONS, picture.file), await page.screenshot({ omitBackground: true }))
      say(`wrote public/icons/${picture.file}`)
    }
  } finally {
    await browser.close()
  }
}

/**
 * @param {string} svg
 * @param {{ size: number, share: number, radius: number }} picture
 */
function documentFor(svg, { size, share, radius }) {
  const inner = Math.round(size * share)
  return `<style>body{margin:0}div{width:${size}px;height:${size}px;display:grid;place-items:center;background:#fff;border-radius:${Math.round(size * radius)}px}svg{width:${inner}px;height:${inner}px}</style><div>${svg}</div>`
}

await main()
