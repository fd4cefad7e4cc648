/** What this browser has and what was switched off, and one button that copies it all without names, messages or file names. */
import type { JSX } from 'preact'
import { readSwitches, SWITCHES } from '../bridge/switches.ts'
import { copyText } from './actions.page.ts'
import type { App } from './app.page.ts'

export function Diagnostics({ app }: { app: App }): JSX.Element {
  const parts = browserParts(app)
  return (
    <details>
      <summary>Diagnostics</summary>
      <ul class="parts">
        {parts.map(([name, has]) => (
          <li key={name}>
            <span class="path-word">{has ? 'Yes' : 'No'}</span> {name}
          </li>
        ))}
      </ul>
      <button type="button" class="button soft" onClick={() => void copyText(app, JSON.stringify(report(app), undefined, 2))}>
        Copy diagnostics
      </button>
      <p class="hint">Holds no names, no messages, no file names.</p>
    </details>
  )
}

const PARTS = {
  sharedWorker: 'One background part for all tabs (SharedWorker)',
  webLocks: 'Locks between tabs (Web Locks)',
  webRtc: 'Direct ways to others (WebRTC)',
  serviceWorker: 'Opens offline (service worker)',
} as const

/** What this browser has and nobody switched off. */
function browserParts(app: App): readonly (readonly [string, boolean])[] {
  const switches = readSwitches({ search: location.search, stored: app.prefs.get('switches'), scope: globalThis })
  return SWITCHES.map((name) => [PARTS[name], switches[name]])
}

function report(app: App): unknown {
  const { status, version, relays, peers, transfers, messages } = app.state.peek()
  return {
    version,
    build: app.build.peek()?.hash,
    status,
    online: app.online.peek(),
    browser: navigator.userAgent,
    parts: Object.fromEntries(browserParts(app)),
    relays: relays.map(({ status: state, transport, rtt, problem, quotas }) => ({ status: state, transport, rtt, problem: problem?.code, quotas })),
    peers: peers.map(({ path, transport, rtt, kind, attempts }) => ({
      path,
      transport,
      rtt,
      kind,
      attempts: attempts.map((one) => `${one.transport} ${one.outcome}`),
    })),
    transfers: transfers.map(({ direction, size, done, rate, status: state, problem }) => ({
      direction,
      size,
      done,
      rate,
      status: state,
      problem: problem?.code,
    })),
    messages: { waiting: messages.filter((one) => one.status === 'waiting').length, all: messages.length },
  }
}
