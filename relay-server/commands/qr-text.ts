/** A QR code in characters, two modules to one character. Pure. */
import { generate } from 'lean-qr'

const QUIET = 2 // modules around it; the standard says 4, scanners take 2 and a screen of 80 characters needs them
const BLACK_ON_WHITE = '\u001b[30;107m'
const PLAIN = '\u001b[0m'

/** With `colours` black on white whatever the screen's own are; without them dark modules are drawn, for paper and files. */
export function qrText(text: string, colours: boolean): string {
  const code = generate(text)
  const lines: string[] = []
  for (let y = -QUIET; y < code.size + QUIET; y += 2) {
    let line = ''
    for (let x = -QUIET; x < code.size + QUIET; x++) {
      const [above, below] = [code.get(x, y), code.get(x, y + 1)]
      line += above ? (below ? '█' : '▀') : below ? '▄' : ' '
    }
    lines.push(colours ? `${BLACK_ON_WHITE}${line}${PLAIN}` : line.trimEnd())
  }
  return lines.join('\n')
}
