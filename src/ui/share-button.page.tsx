/** Hands a link to the system's own share menu, where there is one. */
import type { JSX } from 'preact'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'

interface ShareProps {
  readonly app: App
  readonly title: string
  readonly url: string
}

export function ShareButton({ app, title, url }: ShareProps): JSX.Element | null {
  if (!('share' in navigator)) return null
  const share = async () => {
    try {
      await navigator.share({ title, url })
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'AbortError')) throw error // closing the share menu is no failure
    }
  }
  return (
    <button type="button" class="button soft" onClick={() => void attempt(app, 'Nothing was shared.', share)}>
      Share
    </button>
  )
}
