/** The constellation of a key: five dots, some edges, one of twelve hues, one dot larger; the same on every screen and in the terminal. It recognises, it never proves. Pure. */
import { toUtf8 } from '../shared/bytes.ts'

export const HUES = 12
/** Glyph coordinates run from 0 to SIZE in both directions. */
export const GLYPH_SIZE = 48

export interface GlyphDot {
  readonly x: number
  readonly y: number
  readonly large: boolean
}

export interface Glyph {
  /** 0 … 11, a class of the style sheet. */
  readonly hue: number
  readonly dots: readonly GlyphDot[]
  /** Pairs of dot numbers, the smaller first, no pair twice. */
  readonly edges: readonly (readonly [number, number])[]
}

const DOTS = 5
/** Margin of the drawing that the terminal form leaves out. */
const TEXT_EDGE = 7
const CHORDS: readonly (readonly [number, number])[] = [
  [0, 2],
  [1, 3],
  [2, 4],
  [0, 3],
  [1, 4],
]

/** Same PeerID, same glyph. Text that is no base58 gets a glyph of its characters. */
export function glyphOf(peerId: string): Glyph {
  const next = createMixer(keyBytes(peerId))
  const hue = next() % HUES
  const large = next() % DOTS
  const turn = ((next() % 360) * Math.PI) / 180
  const dots = Array.from({ length: DOTS }, (_, i) => {
    const angle = turn + ((i + (next() % 100) / 240) * 2 * Math.PI) / DOTS
    const radius = 10.5 + (next() % 100) / 16
    return { x: round(GLYPH_SIZE / 2 + radius * Math.cos(angle)), y: round(GLYPH_SIZE / 2 + radius * Math.sin(angle)), large: i === large }
  })
  return { hue, dots, edges: edgesOf(next) }
}

/** Two lines of four braille cells for the terminal: dots and edges on a grid of eight by eight, the large dot as four points. */
export function glyphText(peerId: string): readonly [string, string] {
  const { dots, edges } = glyphOf(peerId)
  const cells = new Uint8Array(8) // two lines of four
  const at = (value: number) => Math.max(0, Math.min(7, Math.floor(((value - TEXT_EDGE) * 8) / (GLYPH_SIZE - 2 * TEXT_EDGE))))
  for (const [from, to] of edges) {
    const [a, b] = [dots[from], dots[to]]
    if (a && b) for (let step = 0; step <= 8; step++) plot(cells, at(a.x + ((b.x - a.x) * step) / 8), at(a.y + ((b.y - a.y) * step) / 8))
  }
  for (const { x, y, large } of dots) {
    plot(cells, at(x), at(y))
    if (large)
      for (const [dx, dy] of [
        [4, 0],
        [0, 4],
        [4, 4],
      ] as const)
        plot(cells, at(x + dx), at(y + dy))
  }
  const line = (from: number) => Array.from(cells.subarray(from, from + 4), (cell) => String.fromCodePoint(0x2800 + cell)).join('')
  return [line(0), line(4)]
}

const BRAILLE_BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const // Unicode "Braille Patterns": rows of a cell, left and right

function plot(cells: Uint8Array, x: number, y: number): void {
  const at = (y >> 2) * 4 + (x >> 1)
  cells[at] = (cells[at] ?? 0) | (BRAILLE_BITS[y & 3]?.[x & 1] ?? 0)
}

function edgesOf(next: () => number): readonly (readonly [number, number])[] {
  const ring = Array.from({ length: DOTS }, (_, i) => pair(i, (i + 1) % DOTS))
  const missing = next() % (DOTS + 2) // two of seven keep the whole ring
  const chords = CHORDS.filter(() => next() % 100 < 34)
  return [...ring.filter((_, i) => i !== missing), ...chords]
}

function pair(a: number, b: number): readonly [number, number] {
  return a < b ? [a, b] : [b, a]
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** FNV-1a over all bytes seeds mulberry32: every bit of the key moves the whole picture. */
function createMixer(bytes: Uint8Array): () => number {
  let state = 0x811c9dc5
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const MAX_ID = 128 // characters; a PeerID has 46 to 60

function keyBytes(peerId: string): Uint8Array {
  let value = 0n
  const text = peerId.slice(0, MAX_ID)
  for (const character of text) {
    const digit = BASE58.indexOf(character)
    if (digit < 0) return toUtf8(text)
    value = value * 58n + BigInt(digit)
  }
  const bytes: number[] = []
  for (; value > 0n; value >>= 8n) bytes.unshift(Number(value & 255n))
  return new Uint8Array(bytes.slice(-32)) // an Ed25519 PeerID ends with the 32 bytes of the key, others with those of its hash
}
