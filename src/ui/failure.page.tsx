/** When the start failed: what happened, why, what to do, and Retry. Never a blank page. */
import type { JSX } from 'preact'
import type { App } from './app.page.ts'
import { Mark } from './icons.page.tsx'
import type { Problem } from './problem.ts'

export function Failure({ app, problem }: { app: App; problem: Problem }): JSX.Element {
  return (
    <main class="first-run" id="main">
      <div class="card first-card" role="alert">
        <div class="first-brand">
          <Mark />
          <span class="brand">DMesh</span>
        </div>
        <h1>{problem.what}</h1>
        <p>{problem.why}</p>
        <p>{problem.fix}</p>
        <button type="button" class="button primary wide" onClick={() => app.start()}>
          Retry
        </button>
        <details>
          <summary>Details</summary>
          <p class="mono">{problem.code}</p>
        </details>
      </div>
    </main>
  )
}
