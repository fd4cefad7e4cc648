/** Puts a process with all its threads on one core, so that a program under test and who measures it do not take each other's time. Does nothing where `taskset` or a second core is missing. */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'

export function pin(pid: number, core: number): void {
  if (cpus().length < 2) return
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)], { stdio: 'ignore' })
  } catch {
    // not Linux: the scheduler does what it can
  }
}
