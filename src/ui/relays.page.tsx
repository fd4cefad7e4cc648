/** The relays in use: state in words, what they allow, and the last failure as a sentence with what to do. */
import type { JSX } from 'preact'
import type { RelayInfo } from '../core/mesh.ts'
import { ERRORS } from '../shared/error-fixes.ts'
import { isErrorCode } from '../shared/errors.ts'
import type { App } from './app.page.ts'
import { CopyField } from './copy-field.page.tsx'
import { quotaRows } from './quotas.ts'
import { plainName } from './untrusted.ts'
import { rttText, transportText } from './words.ts'

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
  const quotas = quotaRows(relay.quotas ?? {})
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
              {quotas.map(([label, value]) => (
                <tr key={label}>
                  <th scope="row">{label}</th>
                  <td class="num">{value}</td>
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
