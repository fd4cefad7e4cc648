/** Whether the browser promises to keep key, messages and files; asked and shown, never assumed. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { App } from './app.page.ts'
import { bytesText } from './words.ts'

interface Kept {
  readonly persisted?: boolean
  readonly used?: number
  readonly free?: number
}

export function StorageNote({ app }: { app: App }): JSX.Element {
  const [kept, setKept] = useState<Kept>({})
  useEffect(() => {
    void readStorage().then(setKept, () => undefined)
  }, [])
  const ask = async () => {
    const persisted = await navigator.storage.persist()
    setKept({ ...kept, persisted })
    app.live.value = persisted ? 'The browser keeps it.' : 'The browser did not agree.'
  }
  return (
    <div class="setting">
      <div>
        <p>{sentence(kept.persisted)}</p>
        {kept.used !== undefined && kept.free !== undefined && (
          <p class="hint num">
            {bytesText(kept.used)} used, {bytesText(kept.free)} free
          </p>
        )}
      </div>
      {kept.persisted === false && (
        <button type="button" class="button soft" onClick={() => void ask()}>
          Keep it
        </button>
      )}
    </div>
  )
}

function sentence(persisted: boolean | undefined): string {
  if (persisted === undefined) return 'This browser does not say whether it keeps what is stored here.'
  return persisted
    ? 'Stored here for good: key, messages and files stay until you remove them.'
    : 'The browser may clear key, messages and files when it runs out of space.'
}

async function readStorage(): Promise<Kept> {
  const { storage } = navigator
  if (!storage) return {}
  const [persisted, { quota = 0, usage = 0 }] = await Promise.all([storage.persisted(), storage.estimate()])
  return { persisted, used: usage, free: Math.max(0, quota - usage) }
}
