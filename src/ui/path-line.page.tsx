/** How a peer is reached, in words and one dot: the second line of every row. Colour never stands alone. */
import type { JSX } from 'preact'
import type { MeshState, PeerInfo } from '../core/mesh.ts'
import type { App } from './app.page.ts'
import { routeHref } from './routes.ts'
import { plainName } from './untrusted.ts'
import { rttText, sinceText, transportText } from './words.ts'

const DOT = '\u00a0· ' // stays with what is before it

interface PathLineProps {
  readonly app: App
  readonly peer: PeerInfo
  /** Show "why?" as a link to the panel. */
  readonly why?: boolean
}

export function PathLine({ app, peer, why }: PathLineProps): JSX.Element {
  const state = app.state.value
  return (
    <span class={`path ${peer.path}`}>
      <span class="path-word">{{ direct: 'Direct', relayed: 'Relayed', away: 'Away' }[peer.path]}</span>{' '}
      <PathDetail state={state} peer={peer} now={app.now.value} />
      {why && peer.path === 'relayed' && (
        <>
          {DOT}
          <a class="why" href={routeHref('devices', peer.id)} aria-label={`Why is ${plainName(peer.name)} relayed?`}>
            why?
          </a>
        </>
      )}
    </span>
  )
}

function PathDetail({ state, peer, now }: { state: MeshState; peer: PeerInfo; now: number }): JSX.Element {
  if (peer.path === 'away') return <>{awayText(state, peer, now)}</>
  const relay = peer.path === 'relayed' ? state.relays.find((one) => one.id === peer.relay) : undefined
  const how = peer.path === 'relayed' ? `by ${relay ? plainName(relay.name) : 'a relay'}` : transportText(peer.transport)
  return (
    <>
      <bdi>{how}</bdi>
      {peer.rtt !== undefined && (
        <>
          {DOT}
          <span class="num">{rttText(peer.rtt)}</span>
        </>
      )}
    </>
  )
}

function awayText(state: MeshState, peer: PeerInfo, now: number): string {
  const waiting = state.messages.filter((one) => one.peer === peer.id && one.direction === 'out' && one.status === 'waiting').length
  const since = sinceText(peer.seen, now)
  if (waiting === 0) return since
  return `${since}${DOT}${waiting === 1 ? '1 message waits' : `${waiting} messages wait`}`
}
