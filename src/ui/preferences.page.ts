/** The few things this page remembers by itself: joined, what was put off. Nothing secret, nothing of the mesh; works without storage too. */

export type PreferenceName = 'joined' | 'later' | 'install' | 'switches' | 'notify'

export interface Preferences {
  get(name: PreferenceName): string | undefined
  set(name: PreferenceName, value: string): void
}

/** `storage`: localStorage, or undefined where the browser refuses it; then it lasts as long as the page. */
export function createPreferences(storage: () => Storage): Preferences {
  const kept = new Map<PreferenceName, string>()
  return {
    get(name) {
      try {
        return kept.get(name) ?? storage().getItem(`dmesh.${name}`) ?? undefined
      } catch {
        return undefined // blocked storage: ask again next time
      }
    },
    set(name, value) {
      kept.set(name, value)
      try {
        storage().setItem(`dmesh.${name}`, value)
      } catch {
        return // kept for this page only
      }
    },
  }
}
