/** Times as people type them: `90`, `30s`, `5m`, `1h`, `7d`. Pure. */
import { MeshError } from '../../src/shared/errors.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1_000, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MOST = 366 * 86_400_000 // ms

/** ms; a plain number is seconds. BAD_ARGUMENT names the flag. */
export function parseDuration(text: string, flag: string): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)([smhd]?)$/.exec(text) ?? []
  const ms = Math.round(Number(digits) * (UNITS[unit ?? ''] ?? Number.NaN))
  if (!(ms >= 0 && ms <= MOST)) throw new MeshError('BAD_ARGUMENT', `${flag} is "${text}"; write a time such as 30s, 5m, 1h or 7d`)
  return ms
}

/** BAD_ARGUMENT names the flag. */
export function parseCount(text: string, flag: string, most: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw new MeshError('BAD_ARGUMENT', `${flag} is "${text}"; write a number from 1 to ${most}`)
  return Number(text)
}
