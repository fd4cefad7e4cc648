/** Places for those who proved nothing yet, shared by IP prefix: nobody is refused, the one that waited longest gives way, of the own prefix or of the largest. Whoever proves itself within a moment so gets through any flood. Pure. */

export interface PlaceLimits {
  /** Places in all. */
  readonly all: number
  /** Places of one prefix. */
  readonly perPrefix: number
}

export interface Places<T> {
  /** Take a place, or the newest one again. Returns who has to give way and has none any more. */
  enter(item: T, prefix: string): T | undefined
  leave(item: T): void
  size(): number
}

export function createPlaces<T>({ all, perPrefix }: PlaceLimits): Places<T> {
  const prefixes = new Map<T, string>()
  const groups = new Map<string, Set<T>>()
  const leave = (item: T) => {
    const prefix = prefixes.get(item)
    if (prefix === undefined) return
    prefixes.delete(item)
    const group = groups.get(prefix)
    group?.delete(item)
    if (group?.size === 0) groups.delete(prefix)
  }
  const crowded = (prefix: string): Set<T> | undefined => {
    const own = groups.get(prefix)
    if ((own?.size ?? 0) > perPrefix) return own
    if (prefixes.size <= all) return undefined
    let largest: Set<T> | undefined
    for (const group of groups.values()) if (group.size > (largest?.size ?? 0)) largest = group
    return largest
  }
  return {
    enter(item, prefix) {
      leave(item)
      prefixes.set(item, prefix)
      const group = groups.get(prefix) ?? new Set<T>()
      groups.set(prefix, group.add(item))
      const oldest = crowded(prefix)?.values().next().value
      if (oldest !== undefined) leave(oldest)
      return oldest
    },
    leave,
    size: () => prefixes.size,
  }
}
