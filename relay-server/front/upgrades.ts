/** Counts WebSocket upgrades by IP prefix: how many are open and how many started in the last minute. Keeps one flooding network from taking every socket. */
import type { Clock } from '../../src/shared/clock.ts'
import { prefixOf } from './hosts.ts'
import { MAX_PREFIXES, MAX_UPGRADES_PER_PREFIX, UPGRADE_RATE_PER_PREFIX } from './limits.ts'

export interface UpgradeCounter {
  /** undefined = refused; else call it once when the socket is gone. */
  open(address: string): (() => void) | undefined
  refused(): number
}

interface Entry {
  open: number
  started: number
  since: number
}

const MINUTE = 60_000

export function createUpgradeCounter(clock: Clock): UpgradeCounter {
  const entries = new Map<string, Entry>()
  let refused = 0
  const forgetOldest = () => {
    for (const [prefix, entry] of entries) {
      if (entries.size < MAX_PREFIXES) return
      if (entry.open === 0) entries.delete(prefix)
    }
  }
  return {
    refused: () => refused,
    open(address) {
      const prefix = prefixOf(address)
      const now = clock.monotonic()
      forgetOldest()
      const entry = entries.get(prefix) ?? { open: 0, started: 0, since: now }
      entries.set(prefix, entry)
      if (now - entry.since >= MINUTE) Object.assign(entry, { started: 0, since: now })
      if (entry.open >= MAX_UPGRADES_PER_PREFIX || entry.started >= UPGRADE_RATE_PER_PREFIX) {
        refused++
        return undefined
      }
      entry.open++
      entry.started++
      let done = false
      return () => {
        if (!done) entry.open--
        done = true
      }
    },
  }
}
