/** What this browser offers the bridge, and the switches that force a part off (for tests and for people with a broken browser): page URL `?off=sharedWorker,webLocks` or localStorage `dmesh.switches`. Every part has a fallback that works. */

export const SWITCHES = ['sharedWorker', 'webLocks', 'webRtc', 'serviceWorker'] as const
export type Switch = (typeof SWITCHES)[number]

/** True = usable here and not switched off. */
export type Switches = Readonly<Record<Switch, boolean>>

/** localStorage key; a comma-separated list of what is off. */
export const SWITCHES_KEY = 'dmesh.switches'

export interface SwitchSources {
  /** `location.search`, e.g. "?off=webRtc". */
  readonly search?: string
  /** Value of SWITCHES_KEY. */
  readonly stored?: string | null
  /** The global object whose features are looked at. */
  readonly scope: object
}

/** Pure but for the look at `scope`. Unknown words are ignored. */
export function readSwitches({ search = '', stored, scope }: SwitchSources): Switches {
  const off = new Set([...(new URLSearchParams(search).get('off') ?? '').split(','), ...(stored ?? '').split(',')].map((word) => word.trim()))
  const found = features(scope)
  return Object.fromEntries(SWITCHES.map((name) => [name, found[name] && !off.has(name)])) as Record<Switch, boolean>
}

/** What the platform has, whatever the switches say. */
export function features(scope: object): Switches {
  const { navigator = {} } = scope as { navigator?: object }
  return {
    sharedWorker: 'SharedWorker' in scope,
    webLocks: 'locks' in navigator,
    webRtc: 'RTCPeerConnection' in scope,
    serviceWorker: 'serviceWorker' in navigator,
  }
}

/** Name for the worker of pages with these switches: it must use the same kind of locks as they do. 'mesh' when nothing is off that exists here. */
export function workerName(switches: Switches, scope: object): string {
  const found = features(scope)
  const off = SWITCHES.filter((name) => found[name] && !switches[name])
  return off.includes('webLocks') ? 'mesh?off=webLocks' : 'mesh'
}

/** What the worker's own name switches off. */
export function readWorkerName(name: string, scope: object): Switches {
  return readSwitches({ search: name.slice(name.indexOf('?') + 1 || name.length), scope })
}
