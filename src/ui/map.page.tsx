/** The map: the same peers as the list, as a picture with lines coloured by path, and as a table for screen readers. */
import type { JSX } from 'preact'
import type { MeshState } from '../core/mesh.ts'
import { nameOf } from './actions.page.ts'
import type { App } from './app.page.ts'
import { GlyphShape } from './glyph.page.tsx'
import { MAP_HEIGHT, MAP_WIDTH, type MapLine, type MapPicture, mapPicture } from './map-layout.ts'
import { shownPeers } from './mesh-words.ts'
import { routeHref } from './routes.ts'
import { plainName } from './untrusted.ts'
import { rttText, transportText } from './words.ts'

const LABEL = 22 // characters under a glyph before names run into each other

export function MeshMap({ app }: { app: App }): JSX.Element {
  const all = app.state.value
  const state = { ...all, peers: shownPeers(all, app.shown.value) }
  const picture = mapPicture(state)
  return (
    <section class="card map" aria-label="Map">
      <svg viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`} aria-hidden="true">
        {picture.lines.map((line) => (
          <Line key={line.key} line={line} />
        ))}
        {picture.lines.map((line) => (
          <LineLabel key={line.key} line={line} />
        ))}
        {picture.relays.map((relay) => (
          <RelayPlace key={relay.id} place={relay} />
        ))}
        {picture.peers.map((peer) => (
          <a key={peer.id} class="place" href={routeHref('devices', peer.id)} tabindex={-1}>
            <g transform={`translate(${peer.x - 26} ${peer.y - 26}) scale(1.08)`}>
              <GlyphShape peer={peer.id} faded={peer.info.path === 'away'} />
            </g>
            <text x={peer.x} y={peer.y + 45} class={peer.info.path === 'away' ? 'dim' : ''}>
              {plainName(peer.info.name, 'Unnamed', LABEL)}
            </text>
          </a>
        ))}
        <g>
          <g transform={`translate(${picture.me.x - 26} ${picture.me.y - 26}) scale(1.08)`}>{state.peer && <GlyphShape peer={state.peer} />}</g>
          <text x={picture.me.x} y={picture.me.y + 45}>
            You
          </text>
        </g>
      </svg>
      {picture.more > 0 && <p class="hint map-more">and {picture.more} more in the list</p>}
      <MapTable state={state} />
    </section>
  )
}

function Line({ line }: { line: MapLine }): JSX.Element {
  return <line class={`map-line ${line.path}`} x1={line.from.x} y1={line.from.y} x2={line.to.x} y2={line.to.y} />
}

function LineLabel({ line }: { line: MapLine }): JSX.Element | null {
  if (line.rtt === undefined) return null
  const x = line.from.x + (line.to.x - line.from.x) * 0.5
  const y = line.from.y + (line.to.y - line.from.y) * 0.5
  return (
    <text class="map-rtt" x={x} y={y + 4}>
      {rttText(line.rtt)}
    </text>
  )
}

function RelayPlace({ place }: { place: MapPicture['relays'][number] }): JSX.Element {
  const { x, y } = place
  return (
    <g>
      <rect class="map-relay" x={x - 24} y={y - 24} width="48" height="48" rx="12" />
      <path class="map-relay-lines" d={`M${x - 11} ${y - 7}h22M${x - 11} ${y}h22M${x - 11} ${y + 7}h22`} />
      <text x={x} y={y + 44}>
        {plainName(place.info.name, 'Relay', LABEL)}
      </text>
    </g>
  )
}

function MapTable({ state }: { state: MeshState }): JSX.Element {
  return (
    <table class="hidden">
      <caption>Who is connected, and how</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Path</th>
          <th scope="col">By</th>
          <th scope="col">Round trip</th>
        </tr>
      </thead>
      <tbody>
        {state.relays.map((relay) => (
          <tr key={relay.id}>
            <th scope="row">{plainName(relay.name)} (relay)</th>
            <td>{relay.status}</td>
            <td>{transportText(relay.transport)}</td>
            <td>{rtt(relay.rtt)}</td>
          </tr>
        ))}
        {state.peers.map((peer) => (
          <tr key={peer.id}>
            <th scope="row">{nameOf(state, peer.id)}</th>
            <td>{peer.path}</td>
            <td>
              {peer.path === 'relayed'
                ? plainName(state.relays.find((one) => one.id === peer.relay)?.name ?? 'a relay')
                : transportText(peer.transport)}
            </td>
            <td>{rtt(peer.rtt)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function rtt(ms: number | undefined): string {
  return ms === undefined ? '' : rttText(ms)
}
