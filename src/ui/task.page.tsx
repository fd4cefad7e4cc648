/** One command at a time inside a sheet: whether it runs, and its failure in place, since notices lie behind a sheet. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Problem, problemOf } from './problem.ts'

export interface Task {
  readonly busy: boolean
  readonly problem: Problem | undefined
  /** Resolves to false when it failed, or when another one still runs. `what` says what did not happen. */
  run(what: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean>
  clear(): void
}

/** Aborts what runs when its part of the page goes away. */
export function useTask(): Task {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const running = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  return {
    busy,
    problem,
    clear: () => setProblem(undefined),
    async run(what, work) {
      if (running.current) return false
      const stop = new AbortController()
      running.current = stop
      setBusy(true)
      setProblem(undefined)
      try {
        await work(stop.signal)
        return true
      } catch (error) {
        if (!stop.signal.aborted) setProblem(problemOf(what, error))
        return false
      } finally {
        running.current = undefined
        setBusy(false)
      }
    },
  }
}

export function ProblemText({ problem }: { problem: Problem | undefined }): JSX.Element | null {
  if (!problem) return null
  return (
    <p class="problem" role="alert">
      <strong>{problem.what}</strong> {problem.why} {problem.fix}
    </p>
  )
}
