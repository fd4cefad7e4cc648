/** What a relay publishes in its dmesh.json as quotas, in words. Pure; a key we do not know is shown as it is, so that nothing is hidden. */
import { plainName } from './untrusted.ts'
import { bytesText, durationText } from './words.ts'

type Unit = 'count' | 'bytes' | 'seconds'

const KNOWN: Readonly<Record<string, readonly [string, Unit]>> = {
  presence: ['People and devices it lists', 'count'],
  presencePerPrefix: ['… of one network', 'count'],
  reservations: ['Places', 'count'],
  reservationsPerPrefix: ['Places for one network', 'count'],
  reservationRate: ['New places a minute', 'count'],
  reservationTtl: ['A place lasts, then is renewed', 'seconds'],
  circuits: ['Relayed connections at once', 'count'],
  circuitsPerPeer: ['… of one device', 'count'],
  circuitsPerPrefix: ['… of one network', 'count'],
  circuitRate: ['New ones a minute, one device', 'count'],
  circuitRatePerPrefix: ['New ones a minute, one network', 'count'],
  lobbyBytes: ['Size of one relayed connection', 'bytes'],
  lobbyTime: ['Time of one relayed connection', 'seconds'],
  limitedBytesPerDay: ['Relayed in a day, one network', 'bytes'],
}

const MAX_ROWS = 40 // a relay's file is small; a longer one is not shown whole

/** Label and value of every quota, in our order, the unknown ones last. */
export function quotaRows(quotas: Readonly<Record<string, number>>): readonly (readonly [string, string])[] {
  const order = Object.keys(KNOWN)
  const place = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length)
  return Object.entries(quotas)
    .sort(([a], [b]) => place(a) - place(b))
    .slice(0, MAX_ROWS)
    .map(([key, value]) => {
      const [label, unit] = Object.hasOwn(KNOWN, key) ? (KNOWN[key] ?? [key, 'count']) : [plainName(key, 'limit'), 'count' as const]
      return [label, valueText(value, unit)] as const
    })
}

function valueText(value: number, unit: Unit): string {
  if (unit === 'bytes') return bytesText(value)
  return unit === 'seconds' ? durationText(value) : new Intl.NumberFormat('en').format(value)
}
