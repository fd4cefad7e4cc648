/** Takes an invite out of the address bar at once: what stays there is kept in history, seen over a shoulder and shared by mistake. */
import { isInviteFragment } from './mesh-words.ts'

/** The whole link; undefined when the page was opened without one. */
export function takeInvite({ location, history }: Window): string | undefined {
  if (!isInviteFragment(location.hash)) return undefined
  const link = location.origin + location.pathname + location.hash
  history.replaceState(history.state, '', location.pathname + location.search)
  return link
}
