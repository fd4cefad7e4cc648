/** The relays in use: state in words, what they allow, and the last failure as a sentence with what to do. */
import type { JSX } from 'preact'
import type { RelayInfo } from '../core/mesh.ts'
import { ERRORS, isErrorCode } from '../shared/errors.ts'
import type { App } from './app.page.ts'
import { CopyField } from './copy-field.page.tsx'
import { plainName } from './untrusted.ts'
import { bytesText, durationText, rttText, transportText } from './words.ts'

export function RelayList({ app }: { app: App }): JSX.Element {
  const { relays } = app.state.value
  if (relays.length === 0) return <p class="setting-line hint">No relay yet.</p>
  return (
    <>
      {relays.map((relay) => (
        <RelayItem key={relay.id} app={app} relay={relay} />
      ))}
    </>
  )
}

const STATUS = { connecting: 'Connecting', reserved: 'Connected', refused: 'Refused', unreachable: 'Does not answer' } as const

function RelayItem({ app, relay }: { app: App; relay: RelayInfo }): JSX.Element {
  const { problem } = relay
  const quotas = Object.entries(relay.quotas ?? {})
  return (
    <div class="relay" data-status={relay.status}>
      <p class="relay-name">{plainName(relay.name)}</p>
      <p class="path">
        <span class="path-word">{STATUS[relay.status]}</span>
        {relay.transport && ` · ${transportText(relay.transport)}`}
        {relay.rtt !== undefined && <span class="num"> · {rttText(relay.rtt)}</span>}
      </p>
      {problem && (
        <p class="verdict bad">
          {plainName(problem.message, '', 240)} {isErrorCode(problem.code) ? ERRORS[problem.code].fix : ''}
        </p>
      )}
      <details>
        <summary>Details</summary>
        {quotas.length > 0 && (
          <table class="quotas">
            <caption class="hidden">What this relay allows</caption>
            <tbody>
              {quotas.map(([key, value]) => (
                <tr key={key}>
                  <th scope="row">{quotaLabel(key)}</th>
                  <td class="num">{quotaValue(key, value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <CopyField app={app} label="Peer ID" value={relay.id} />
      </details>
    </div>
  )
}

/** circuitBytesPerDay → "circuit bytes per day": what the relay publishes, in words. */
export function quotaLabel(key: string): string {
  const words = plainName(key, 'limit', 60)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[._-]+/g, ' ')
    .toLowerCase()
  const plain = words
    .replace(/\bcircuits?\b/g, 'connection')
    .replace(/\breservations?\b/g, 'places')
    .replace(/ ms$/, '')
  return plain.charAt(0).toUpperCase() + plain.slice(1)
}

export function quotaValue(key: string, value: number): string {
  if (/bytes/i.test(key)) return bytesText(value)
  if (/(ms|time|duration)$/i.test(key)) return durationText(value / 1000)
  return new Intl.NumberFormat('en').format(value)
}
