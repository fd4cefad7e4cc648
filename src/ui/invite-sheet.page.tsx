/** Bring somebody in: into one of my private meshes by an invite, or into the lobby by the address of this page. Says when the address works on this computer only. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { copyText } from './actions.page.ts'
import type { App } from './app.page.ts'
import { MeshInvites } from './mesh-invites.page.tsx'
import { LOBBY, meshName } from './mesh-words.ts'
import { QrCode } from './qr-code.page.tsx'
import { ShareButton } from './share-button.page.tsx'
import { Sheet } from './sheet.page.tsx'

export function InviteSheet({ app, mesh: wanted }: { app: App; mesh?: string }): JSX.Element {
  const mine = app.state.value.meshes.filter(({ role, status }) => role === 'owner' && status === 'joined')
  const [chosen, setChosen] = useState(wanted ?? app.shown.peek())
  const mesh = mine.find(({ id }) => id === chosen) ?? (chosen === LOBBY ? undefined : mine[0])
  const close = () => {
    app.dialog.value = undefined
  }
  return (
    <Sheet title={mesh ? <>Invite to {meshName(mesh)}</> : 'Invite'} onClose={close}>
      {mine.length > 0 && (
        <div class="inline-form">
          <label for="invite-into">Into</label>
          <select id="invite-into" class="field" value={mesh?.id ?? LOBBY} onChange={(event) => setChosen(event.currentTarget.value)}>
            {mine.map((one) => (
              <option key={one.id} value={one.id}>
                {meshName(one)} (private)
              </option>
            ))}
            <option value={LOBBY}>Lobby (public)</option>
          </select>
        </div>
      )}
      {mesh ? <MeshInvites key={mesh.id} app={app} mesh={mesh} /> : <LobbyInvite app={app} />}
      {mine.length === 0 && (
        <p class="hint">
          For a place of your own, <NewMeshLink app={app} />.
        </p>
      )}
    </Sheet>
  )
}

function NewMeshLink({ app }: { app: App }): JSX.Element {
  return (
    <button
      type="button"
      class="text-button"
      onClick={() => {
        app.dialog.value = { kind: 'new' }
      }}
    >
      make a private mesh
    </button>
  )
}

function LobbyInvite({ app }: { app: App }): JSX.Element {
  const link = `${app.origin}/`
  return (
    <>
      {isLocal(app.origin) ? (
        <p>
          This address works on this computer only: open it in another browser or profile here. For phones and other computers the relay needs an
          https address; its start-up text says how.
        </p>
      ) : (
        <>
          <p>Whoever opens this address is in the same lobby as you.</p>
          <QrCode text={link} label={`Code to scan for ${link}`} />
        </>
      )}
      <p class="mono link-text">{link}</p>
      <div class="sheet-actions">
        <button type="button" class="button primary" onClick={() => void copyText(app, link)}>
          Copy link
        </button>
        <ShareButton app={app} title="DMesh" url={link} />
      </div>
      <p class="hint">It lets them see the names here, send messages, and offer files. Nothing arrives that you did not accept.</p>
    </>
  )
}

/** True for addresses that mean "this computer" wherever they are opened. */
function isLocal(origin: string): boolean {
  if (!URL.canParse(origin)) return true
  const { hostname } = new URL(origin)
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname)
}
