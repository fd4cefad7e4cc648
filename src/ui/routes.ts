/** Where one is in the page, as the URL's fragment: `#/chat/<peer>`. Fragments that do not start with `#/` (invites) are left alone. Pure. */

export type Screen = 'devices' | 'transfers' | 'chat' | 'sites' | 'settings' | 'meshes'

export interface Route {
  readonly screen: Screen
  /** PeerID of the device or conversation that is open, or the id of a mesh. */
  readonly peer?: string
}

const SCREENS: readonly Screen[] = ['devices', 'transfers', 'chat', 'sites', 'settings', 'meshes']

/** Anything unknown is the first screen. */
export function parseRoute(fragment: string): Route {
  const [, screen = '', peer = ''] = /^#\/([a-z]+)(?:\/([A-Za-z0-9]{1,128}))?$/.exec(fragment) ?? []
  const known = SCREENS.find((one) => one === screen)
  if (!known) return { screen: 'devices' }
  return peer && (known === 'devices' || known === 'chat' || known === 'meshes') ? { screen: known, peer } : { screen: known }
}

export function routeHref(screen: Screen, peer?: string): string {
  return peer ? `#/${screen}/${peer}` : `#/${screen}`
}
