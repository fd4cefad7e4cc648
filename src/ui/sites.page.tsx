/** Sites & ports: says plainly what this version does not do. */
import type { JSX } from 'preact'
import { routeHref } from './routes.ts'

export function Sites(): JSX.Element {
  return (
    <div class="column">
      <h1 tabIndex={-1}>Sites &amp; ports</h1>
      <div class="card empty">
        <p>Opening a website or a port of another device is not in this version.</p>
        <p class="hint">Files and messages work now.</p>
        <a class="button soft" href={routeHref('devices')}>
          To the devices
        </a>
      </div>
    </div>
  )
}
