/** A code to scan, as large as there is room, black on white in both themes. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface CodeProps {
  readonly text: string
  /** What it is for, for those who cannot see it. */
  readonly label: string
  readonly large?: boolean
}

export function QrCode({ text, label, large }: CodeProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    void import('lean-qr')
      .then(({ generate }) => {
        if (canvas.current) generate(text).toCanvas(canvas.current, { on: [14, 18, 17, 255], off: [255, 255, 255, 255], padX: 3, padY: 3 })
      })
      .catch(() => setFailed(true))
  }, [text])
  if (failed) return <p class="hint">The code could not be drawn. Use the link.</p>
  return <canvas ref={canvas} class={`qr ${large ? 'large' : ''}`} role="img" aria-label={label} />
}
