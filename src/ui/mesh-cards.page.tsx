/** On the devices screen: meshes I wait for. Kept small, since it is part of the shell. */
import type { JSX } from 'preact'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { meshName, waitingText } from './mesh-words.ts'
import { routeHref } from './routes.ts'

export function WaitingCards({ app }: { app: App }): JSX.Element | null {
  const waiting = app.state.value.meshes.filter(({ status }) => status === 'waiting')
  if (waiting.length === 0) return null
  return (
    <ul class="rows card waiting-meshes" aria-label="Meshes to come">
      {waiting.map((mesh) => (
        <li key={mesh.id} class="row">
          <PeerGlyph peer={mesh.id} faded />
          <div class="row-text">
            <a class="row-link" href={routeHref('meshes', mesh.id)}>
              <bdi class="name">{meshName(mesh)}</bdi>
            </a>
            <span class="path" role="status">
              {mesh.problem ? 'The invite did not work. See why' : waitingText(mesh)}
            </span>
          </div>
        </li>
      ))}
    </ul>
  )
}
