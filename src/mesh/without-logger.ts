/** Stands in for `@libp2p/logger` in the browser build (vite.config.ts): libp2p logs through ours (swarm.ts), and the default it would fall back to is dead weight on a phone. Must never write anything. */
import type { ComponentLogger, Logger } from '@libp2p/interface'

export function logger(): Logger {
  const silent = () => undefined
  const scope: Logger = Object.assign(silent, { error: silent, trace: silent, enabled: false, newScope: () => scope })
  return scope
}

export function defaultLogger(): ComponentLogger {
  return { forComponent: logger }
}
