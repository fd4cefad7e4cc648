/** Puts the page on the screen. The one place that renders. */
import { render } from 'preact'
import type { App } from './app.page.ts'
import { Shell } from './shell.page.tsx'

export function mountApp(app: App, root: HTMLElement): void {
  root.replaceChildren()
  render(<Shell app={app} />, root)
}
