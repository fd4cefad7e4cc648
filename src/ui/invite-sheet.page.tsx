/** Bring somebody in: the address of this page as a code to scan and a link. Says when the address works on this computer only. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { attempt, copyText } from './actions.page.ts'
import type { App } from './app.page.ts'
import { Sheet } from './sheet.page.tsx'

export function InviteSheet({ app }: { app: App }): JSX.Element {
  const link = `${app.origin}/`
  const close = () => {
    app.inviting.value = false
  }
  const local = isLocal(app.origin)
  return (
    <Sheet title="Invite" onClose={close}>
      {local ? (
        <p>
          This address works on this computer only: open it in another browser or profile here. For phones and other computers the relay needs an
          https address; its start-up text says how.
        </p>
      ) : (
        <>
          <p>Whoever opens this address is in the same lobby as you.</p>
          <Code text={link} />
        </>
      )}
      <p class="mono link-text">{link}</p>
      <div class="sheet-actions">
        <button type="button" class="button primary" onClick={() => void copyText(app, link)}>
          Copy link
        </button>
        {'share' in navigator && (
          <button type="button" class="button soft" onClick={() => void attempt(app, 'Nothing was shared.', () => shareLink(link))}>
            Share
          </button>
        )}
      </div>
      <p class="hint">It lets them see the names here, send messages, and offer files. Nothing arrives that you did not accept.</p>
    </Sheet>
  )
}

function Code({ text }: { text: string }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    void import('lean-qr')
      .then(({ generate }) => {
        if (canvas.current) generate(text).toCanvas(canvas.current, { on: [14, 18, 17, 255], off: [255, 255, 255, 255], padX: 3, padY: 3 })
      })
      .catch(() => setFailed(true))
  }, [text])
  if (failed) return <p class="hint">The code could not be drawn. Use the link.</p>
  return <canvas ref={canvas} class="qr" role="img" aria-label={`Code to scan for ${text}`} />
}

/** True for addresses that mean "this computer" wherever they are opened. */
export function isLocal(origin: string): boolean {
  if (!URL.canParse(origin)) return true
  const { hostname } = new URL(origin)
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname)
}

async function shareLink(url: string): Promise<void> {
  try {
    await navigator.share({ title: 'DMesh', url })
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error // closing the share menu is no failure
  }
}
