/** The constellation: same key, same picture, whatever the input; its colours and those of the page are told apart by everyone (WCAG contrast). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GLYPH_SIZE, glyphOf, glyphText, HUES } from '../../../src/ui/glyph.ts'

const ALICE = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
const BOB = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const numRuns = Number(process.env.FUZZ_RUNS ?? 10_000)
const BASE58 = [...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz']

describe('glyphOf', () => {
  it('never changes for a key: pictures that people remember', () => {
    const { hue, dots, edges } = glyphOf(ALICE)
    assert.deepEqual(
      { hue, large: dots.findIndex((dot) => dot.large), edges },
      JSON.parse(readFileSync(new URL('glyph-vector.json', import.meta.url), 'utf8')),
    )
    assert.deepEqual(glyphOf(ALICE), glyphOf(ALICE))
    assert.notDeepEqual(glyphOf(ALICE), glyphOf(BOB))
  })

  it('is whole and inside its circle for any text', () => {
    const id = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...BASE58), maxLength: 80 }))
    fc.assert(
      fc.property(id, (text) => {
        const { hue, dots, edges } = glyphOf(text)
        assert.ok(hue >= 0 && hue < HUES && Number.isInteger(hue))
        assert.equal(dots.length, 5)
        assert.equal(dots.filter((dot) => dot.large).length, 1)
        for (const { x, y } of dots) assert.ok(Math.hypot(x - GLYPH_SIZE / 2, y - GLYPH_SIZE / 2) <= 18)
        assert.ok(edges.length >= 4)
        assert.equal(new Set(edges.map(String)).size, edges.length)
        for (const [a, b] of edges) assert.ok(a < b && b < 5)
        const lines = glyphText(text)
        assert.equal(lines.length, 2)
        for (const line of lines) assert.match(line, /^[\u2800-\u28ff]{4}$/u)
      }),
      { numRuns },
    )
  })

  it('uses every hue and hardly ever draws two keys alike', () => {
    const hues = new Set<number>()
    const drawings = new Set<string>()
    const ids = Array.from({ length: 2000 }, (_, i) => `12D3KooW${BASE58[i % 58]}${BASE58[Math.floor(i / 58) % 58]}${ALICE.slice(10)}`)
    for (const id of ids) {
      const glyph = glyphOf(id)
      hues.add(glyph.hue)
      drawings.add(JSON.stringify(glyph))
    }
    assert.equal(hues.size, HUES)
    assert.ok(drawings.size >= 1995, `${drawings.size} of 2000 differ`)
  })
})

describe('colours', () => {
  const css = readFileSync(new URL('../../../src/ui/tokens.css', import.meta.url), 'utf8')
  const token = (name: string): readonly [string, string] => {
    const [, light, dark] = new RegExp(`--${name}: light-dark\\((#[0-9a-f]+), (#[0-9a-f]+)\\)`).exec(css) ?? []
    assert.ok(light && dark, `token ${name}`)
    return [light, dark]
  }
  const TEXT = ['ink', 'muted', 'direct', 'relayed', 'away', 'danger']
  for (const text of TEXT) {
    for (const ground of ['bg', 'surface', 'raised', 'tint']) {
      if (ground === 'tint' && text === 'danger') continue
      it(`${text} on ${ground} has a contrast of 4.5 in both themes`, () => {
        for (const theme of [0, 1] as const) {
          const ratio = contrast(fromHexColour(token(text)[theme]), fromHexColour(token(ground)[theme]))
          assert.ok(ratio >= 4.5, `${ratio.toFixed(2)} in theme ${theme}`)
        }
      })
    }
  }
  for (const [text, ground] of [
    ['on-accent', 'accent'],
    ['accent', 'tint'],
    ['accent', 'surface'],
    ['danger', 'danger-tint'],
    ['ink', 'danger-tint'],
  ] as const) {
    it(`${text} on ${ground} has a contrast of 4.5 in both themes`, () => {
      for (const theme of [0, 1] as const) assert.ok(contrast(fromHexColour(token(text)[theme]), fromHexColour(token(ground)[theme])) >= 4.5)
    })
  }
  it('every glyph stands out from its ground', () => {
    const pair = (name: string) =>
      [...(new RegExp(`--${name}: light-dark\\(oklch\\(([\\d.]+) ([\\d.]+) [^)]*\\)\\), oklch\\(([\\d.]+) ([\\d.]+)`).exec(css) ?? [])]
        .slice(1)
        .map(Number)
    const [groundL = 0, groundC = 0, darkGroundL = 0, darkGroundC = 0] = pair('glyph-ground')
    const [inkL = 0, inkC = 0, darkInkL = 0, darkInkC = 0] = pair('glyph-ink')
    for (let n = 0; n < HUES; n++) {
      const hue = Number(new RegExp(`\\.hue-${n} \\{ --hue: (\\d+)`).exec(css)?.[1])
      assert.ok(contrast(fromOklch(groundL, groundC, hue), fromOklch(inkL, inkC, hue)) >= 4.5, `hue ${hue}, light`)
      assert.ok(contrast(fromOklch(darkGroundL, darkGroundC, hue), fromOklch(darkInkL, darkInkC, hue)) >= 4.5, `hue ${hue}, dark`)
    }
  })
})

type Linear = readonly [number, number, number]

/** WCAG 2.2, relative luminance. */
function contrast(a: Linear, b: Linear): number {
  const luminance = ([r, g, blue]: Linear) => 0.2126 * r + 0.7152 * g + 0.0722 * blue
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}

function fromHexColour(hex: string): Linear {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, '$&$&') : hex
  const channel = (at: number) => {
    const value = Number.parseInt(full.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [channel(1), channel(3), channel(5)]
}

/** CSS Color 4: OKLCH to linear sRGB, clipped. */
function fromOklch(lightness: number, chroma: number, hue: number): Linear {
  const a = chroma * Math.cos((hue * Math.PI) / 180)
  const b = chroma * Math.sin((hue * Math.PI) / 180)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const clip = (value: number) => Math.max(0, Math.min(1, value))
  return [
    clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}
