/** Structured log: an event name and fields, no sentences, no keys, no payloads. The one file that may touch `console`. */

import { codeOf } from './errors.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** `log('mesh.dial.failed', { peer, code, ms })`; the subsystem is the part before the first dot. Default level info. */
export type Log = (event: string, fields?: LogFields, level?: LogLevel) => void

export type LogSink = (level: LogLevel, event: string, fields: LogFields) => void

export interface LogControl {
  readonly log: Log
  /** Change a subsystem's level while running; '*' is the default of the rest. */
  setLevel(subsystem: string, level: LogLevel | 'off'): void
  levels(): Readonly<Record<string, LogLevel | 'off'>>
}

const ORDER = { debug: 0, info: 1, warn: 2, error: 3, off: 4 } as const

export function createLog(sink: LogSink, initial: Readonly<Record<string, LogLevel | 'off'>> = { '*': 'info' }): LogControl {
  const levels = new Map<string, LogLevel | 'off'>(Object.entries(initial))
  return {
    log(event, fields = {}, level = 'info') {
      const dot = event.indexOf('.')
      const subsystem = dot < 0 ? event : event.slice(0, dot)
      const threshold = levels.get(subsystem) ?? levels.get('*') ?? 'info'
      if (ORDER[level] >= ORDER[threshold]) sink(level, event, fields)
    },
    setLevel(subsystem, level) {
      levels.set(subsystem, level)
    },
    levels: () => Object.fromEntries(levels),
  }
}

/** How loud a failed handler is: a stream that the other side or its path ended is a peer's doing, and a peer must not fill our console. */
export function levelOf(error: unknown): LogLevel {
  return ['STREAM_RESET', 'PATH_LOST'].includes(codeOf(error)) ? 'debug' : 'warn'
}

/** For browsers: one console line an event. */
export function consoleSink(): LogSink {
  return (level, event, fields) => console[level](event, fields)
}

/** Drops everything. */
export function silentLog(): Log {
  return () => undefined
}
