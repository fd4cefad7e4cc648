/** Logs of the relay: one JSON line an event on standard error (pino), with a level per subsystem that can be changed while it runs. */
import pino from 'pino'
import { createLog, type LogControl, type LogLevel } from '../src/shared/log.ts'

/** Where lines go; anything with `write`. */
export interface LogDestination {
  write(line: string): void
}

/** Levels decide before pino sees an event, so pino lets everything through. */
export function createJsonLog(levels: Readonly<Record<string, LogLevel | 'off'>>, destination?: LogDestination): LogControl {
  const options = {
    level: 'debug',
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'event',
    formatters: { level: (level: string) => ({ level }) },
  }
  // Synchronous: the last lines before a crash are the ones that matter.
  const logger = pino(options, destination ?? pino.destination({ dest: 2, sync: true }))
  return createLog((level, event, fields) => logger[level](fields, event), levels)
}
