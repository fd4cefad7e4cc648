/** What a person reads when the relay has started: where to open the page, whose key it is, who may join, where data lies, and how a phone gets in. Pure. */
import { generate } from 'lean-qr'
import { isPrivate } from './front/hosts.ts'

export interface StartFacts {
  /** URL to open; an origin. */
  readonly url: string
  readonly peer: string
  readonly isNew: boolean
  readonly lobby: boolean
  /** True when --lobby or --no-lobby decided, not the address. */
  readonly lobbyChosen: boolean
  readonly reach: Reach
  readonly port: number
  readonly dataDir: string
  /** False = dist/ is missing. */
  readonly page: boolean
  readonly adminUrl?: string
  /** Columns and whether the output is a terminal that shows pictures of text. */
  readonly terminal: { readonly isTTY: boolean; readonly columns: number }
}

export function renderStart(facts: StartFacts): string {
  const lines = [
    '',
    `  DMesh relay is running.`,
    '',
    `  Open      ${facts.url}`,
    `  Key       ${facts.peer} (${facts.isNew ? 'new, made now' : 'saved, the same as last time'})`,
    `  Lobby     ${lobbyLine(facts)}`,
    `  Data in   ${facts.dataDir}`,
    ...(facts.adminUrl ? [`  Metrics   ${facts.adminUrl}/metrics`] : []),
    ...(facts.page ? [] : ['', '  The page is not built, so there is nothing to open yet. Run: npm run build']),
    '',
    ...phoneLines(facts),
    '',
  ]
  return lines.join('\n')
}

export interface Reach {
  readonly listenHost: string
  readonly publicUrl?: string
  readonly trustProxy: readonly string[]
}

/**
 * Why strangers may reach the relay, as the middle of a sentence; undefined when it listens on loopback or private addresses only (design §8).
 * A wildcard listens everywhere, and whoever names a public URL or a proxy is reachable through it.
 */
export function publicReason({ listenHost, publicUrl, trustProxy }: Reach): string | undefined {
  if (publicUrl && !isNearby(new URL(publicUrl).hostname.replace(/^\[|\]$/g, ''))) return `${publicUrl} is a public address`
  if (trustProxy.length > 0) return 'a proxy stands in front of it'
  return isNearby(listenHost) ? undefined : `${listenHost} may be reached from the internet`
}

function isNearby(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isPrivate(host)
}

function lobbyLine({ lobby, lobbyChosen, reach }: StartFacts): string {
  if (lobbyChosen)
    return lobby ? 'on, because of --lobby: everybody who opens the page meets here' : 'off, because of --no-lobby: only peers in access.json get in'
  const reason = publicReason(reach)
  if (!reason) return `on, because ${reach.listenHost} cannot be reached from the internet: everybody who opens the page meets here`
  return `off, because ${reason}: only peers in access.json get in. Switch it on with --lobby`
}

/** A picture only for an origin where a phone gets keys and workers: https, and not this computer's own name. */
function phoneLines({ url, terminal, port }: StartFacts): readonly string[] {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' && !hostname.endsWith('localhost')) {
    const picture = renderQr(url, terminal)
    return picture ? ['  Phones: scan this.', '', ...picture] : [`  Phones: open ${url}`]
  }
  return [
    '  Phones: browsers allow keys only on https. Give the relay a certificate,',
    `    --listen 0.0.0.0:${port} --tls-cert cert.pem --tls-key key.pem`,
    '  or put an https proxy in front and name it: --public-url https://mesh.example (docs/self-hosting.md).',
  ]
}

const QUIET = 2 // modules around the code; scanners want some

/** Two rows of modules per line of half blocks, dark on light whatever the terminal's colours; undefined when it would not fit. */
export function renderQr(text: string, { isTTY, columns }: StartFacts['terminal']): readonly string[] | undefined {
  const code = generate(text)
  const width = code.size + 2 * QUIET
  if (!isTTY || columns < width + 4) return undefined
  const dark = (x: number, y: number) => code.get(x, y)
  const lines: string[] = []
  for (let y = -QUIET; y < code.size + QUIET; y += 2) {
    let line = ''
    for (let x = -QUIET; x < code.size + QUIET; x++) line += dark(x, y) ? (dark(x, y + 1) ? '█' : '▀') : dark(x, y + 1) ? '▄' : ' '
    // Black on white (SGR 30;107), reset at the end of the line.
    lines.push(`  \u001b[30;107m${line}\u001b[0m`)
  }
  return lines
}
