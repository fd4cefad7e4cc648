/** A part of the page that is loaded when it is first needed. Says so when it cannot be loaded; must not hold up the shell. */
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

interface LazyProps<P extends object> {
  /** Always the same function: a new one loads again. */
  readonly load: () => Promise<ComponentType<P>>
  readonly props: P
  /** It is on the screen now. */
  readonly onShown?: () => void
}

export function Lazy<P extends object>({ load, props, onShown }: LazyProps<P>): JSX.Element | null {
  const [part, setPart] = useState<{ readonly Part: ComponentType<P> } | 'failed'>()
  useEffect(() => {
    load().then(
      (Part) => setPart({ Part }),
      () => setPart('failed'),
    )
  }, [load])
  useEffect(() => {
    if (part) onShown?.()
  }, [part])
  if (part === undefined) return null
  if (part === 'failed')
    return (
      <p class="banner harm" role="alert">
        This part of the page did not load. Check the connection, then reload.
      </p>
    )
  return <part.Part {...props} />
}
