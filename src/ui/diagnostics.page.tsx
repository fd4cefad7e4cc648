/** What this browser has and what was switched off, and one button that copies it all without names, messages or file names. */
import type { JSX } from 'preact'
import { copyText } from './actions.page.ts'
import type { App } from './app.page.ts'

export function Diagnostics({ app }: { app: App }): JSX.Element {
  const parts = browserParts()
  return (
    <details>
      <summary>Diagnostics</summary>
      <ul class="parts">
        {parts.map(([name, has]) => <li key={name}><span class="path-word">{has ? 'Yes' : 'No'}</span> {name}</li>)}
      </ul>
      <button type="button" class="button soft" onClick={() => void copyText(app, JSON.stringify(report(app), undefined, 2))}>Copy diagnostics</button>
      <p class="hint">Holds no names, no messages, no file names.</p>
    </details>
  )
}

function browserParts(): readonly (readonly [string, boolean])[] {
  const off = (new URLSearchParams(location.search).get('off') ?? '').split(',')
  const has = (key: string, present: boolean) => present && !off.includes(key)
  return [
    ['One background part for all tabs (SharedWorker)', has('shared-worker', 'SharedWorker' in globalThis)],
    ['Locks between tabs (Web Locks)', has('web-locks', 'locks' in navigator)],
    ['Direct ways to others (WebRTC)', has('webrtc', 'RTCPeerConnection' in globalThis)],
    ['Opens offline (service worker)', has('service-worker', navigator.serviceWorker?.controller != null)],
  ]
}

function report(app: App): unknown {
  const { status, version, relays, peers, transfers, messages } = app.state.peek()
  return {
    version,
    build: app.build.peek()?.hash,
    status,
    online: app.online.peek(),
    browser: navigator.userAgent,
    parts: Object.fromEntries(browserParts()),
    relays: relays.map(({ status: state, transport, rtt, problem, quotas }) => ({ status: state, transport, rtt, problem: problem?.code, quotas })),
    peers: peers.map(({ path, transport, rtt, kind, attempts }) => ({ path, transport, rtt, kind, attempts: attempts.map((one) => `${one.transport} ${one.outcome}`) })),
    transfers: transfers.map(({ direction, size, done, rate, status: state, problem }) => ({ direction, size, done, rate, status: state, problem: problem?.code })),
    messages: { waiting: messages.filter((one) => one.status === 'waiting').length, all: messages.length },
  }
}
