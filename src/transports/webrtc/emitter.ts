/** An EventTarget with `on…` properties, as the DOM has them, for the objects of the stand-in. A handler set by property runs in its turn among the listeners. */

export type Handler = ((event: Event) => void) | null

/** Adds an accessor `on<name>` for each name to `target` and gives it back. */
export function withHandlers(target: EventTarget, names: readonly string[]): EventTarget {
  for (const name of names) {
    let handler: Handler = null
    target.addEventListener(name, (event) => handler?.call(target, event))
    Object.defineProperty(target, `on${name}`, {
      get: () => handler,
      set: (next: Handler) => {
        handler = typeof next === 'function' ? next : null
      },
      enumerable: true,
    })
  }
  return target
}

/** An event of this name that carries `fields` as own properties. */
export function eventOf(name: string, fields: object = {}): Event {
  return Object.assign(new Event(name), fields)
}
