/** The constellation of a peer as a picture; decorative, because the name always stands beside it. */
import type { JSX } from 'preact'
import { glyphOf } from './glyph.ts'

interface GlyphProps {
  readonly peer: string
  readonly faded?: boolean
}

/** Inside another SVG: 48 by 48 from the origin. */
export function GlyphShape({ peer, faded }: GlyphProps): JSX.Element {
  const { hue, dots, edges } = glyphOf(peer)
  const lines = edges.map(([a, b]) => `M${dots[a]?.x} ${dots[a]?.y}L${dots[b]?.x} ${dots[b]?.y}`).join('')
  return (
    <g class={`glyph-shape hue-${hue}${faded ? ' faded' : ''}`}>
      <circle class="ground" cx="24" cy="24" r="24" />
      <path d={lines} />
      {dots.map((dot, i) => (
        <circle key={i} class="dot" cx={dot.x} cy={dot.y} r={dot.large ? 4.4 : 2.8} />
      ))}
    </g>
  )
}

export function PeerGlyph(props: GlyphProps): JSX.Element {
  return (
    <svg class="glyph" viewBox="0 0 48 48" aria-hidden="true">
      <GlyphShape {...props} />
    </svg>
  )
}
