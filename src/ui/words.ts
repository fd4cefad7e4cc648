/** Numbers, times and places as people say them: 31 MB/s, 8 s left, since yesterday. A number never parts from its unit. Pure; the clock comes as an argument. */
import type { TransportName } from '../core/path.ts'

const GAP = '\u00a0' // no line break between a number and its unit
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Decimal units, at most three digits. */
export function bytesText(bytes: number): string {
  let value = Math.max(0, bytes)
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits).replace(/\.0$/, '')}${GAP}${UNITS[unit]}`
}

/** Bytes a second. */
export function rateText(bytesPerSecond: number): string {
  return `${bytesText(bytesPerSecond)}/s`
}

/** A length of time in seconds: 8 s, 3 min, 1 h 5 min, 2 days. */
export function durationText(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds))
  if (whole < 60) return `${whole}${GAP}s`
  const minutes = Math.round(whole / 60)
  if (minutes < 60) return `${minutes}${GAP}min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours}${GAP}h` : `${hours}${GAP}h${GAP}${minutes % 60}${GAP}min`
  return `${Math.round(hours / 24)}${GAP}days`
}

export function leftText(seconds: number): string {
  return seconds < 1 ? 'almost done' : `${durationText(seconds)}${GAP}left`
}

/** Round-trip time. */
export function rttText(ms: number): string {
  return ms < 1 ? `<${GAP}1${GAP}ms` : `${Math.round(ms)}${GAP}ms`
}

/** 0 … 100, never 100 before the end. */
export function percent(done: number, size: number): number {
  if (size <= 0) return 100
  if (done >= size) return 100
  return Math.min(99, Math.floor((done / size) * 100))
}

/** "just now", "since 14:05", "since yesterday", "since 3 May". `at` and `now`: ms since 1970. */
export function sinceText(at: number, now: number): string {
  if (at <= 0) return 'for a while'
  if (now - at < 60_000) return 'just now'
  if (sameDay(at, now)) return `since ${clockText(at)}`
  if (sameDay(at, now - 86_400_000)) return 'since yesterday'
  return `since ${dayText(at)}`
}

/** For a message or a transfer: 14:05, yesterday 14:05, 3 May 14:05. */
export function whenText(at: number, now: number): string {
  if (sameDay(at, now)) return clockText(at)
  if (sameDay(at, now - 86_400_000)) return `yesterday ${clockText(at)}`
  return `${dayText(at)} ${clockText(at)}`
}

const TRANSPORT: Readonly<Record<TransportName, string>> = {
  websocket: 'WebSocket',
  webtransport: 'WebTransport',
  webrtc: 'WebRTC',
  'webrtc-direct': 'WebRTC',
  tcp: 'TCP',
  memory: 'in this program',
}

export function transportText(transport: TransportName | undefined): string {
  return transport ? (TRANSPORT[transport] ?? transport) : ''
}

/** Joins parts with a dot that stays with the part before it. */
export function dotted(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(`${GAP}· `)
}

/** "only you", "5 people & devices": those who are here, with me. */
export function countText(count: number): string {
  return count === 1 ? 'only you' : `${count} people & devices`
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

function clockText(at: number): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(at)
}

function dayText(at: number): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' }).format(at)
}
