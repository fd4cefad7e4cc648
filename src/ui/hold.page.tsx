/** Pause and go on with a transfer, and give its file again when this page was loaded anew and no longer holds it. */
import type { JSX } from 'preact'
import type { TransferInfo } from '../core/mesh.ts'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'
import { PickButton } from './pick.page.tsx'

export function Hold({ app, transfer, name }: { app: App; transfer: TransferInfo; name: string }): JSX.Element | null {
  const { files } = app.handle
  const { id, status, needs, pausedBy, problem } = transfer
  const run = (what: string, work: () => Promise<void>) => () => void attempt(app, what, work)
  if (needs) {
    const pick = ([file]: readonly File[]) => file && void attempt(app, 'It does not go on.', () => files.resume(id, file))
    return (
      <>
        {problem && <span class="verdict bad">That was another file. Choose the one that was being sent.</span>}
        <PickButton class="button primary" label={`Choose ${name} again`} onPick={pick}>
          Choose the file
        </PickButton>
      </>
    )
  }
  if (status === 'paused' && pausedBy === 'me') {
    return (
      <button type="button" class="button primary" aria-label={`Go on with ${name}`} onClick={run('It does not go on.', () => files.resume(id))}>
        Go on
      </button>
    )
  }
  if (status !== 'running' && status !== 'waiting') return null
  return (
    <button type="button" class="button soft" aria-label={`Pause ${name}`} onClick={run('It was not paused.', () => files.pause(id))}>
      Pause
    </button>
  )
}
