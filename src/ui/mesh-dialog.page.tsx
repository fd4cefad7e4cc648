/** The sheet about meshes that is open. Loaded with the first of them. */
import type { JSX } from 'preact'
import type { App } from './app.page.ts'
import { InviteSheet } from './invite-sheet.page.tsx'
import { JoinSheet } from './join-sheet.page.tsx'
import { NewMeshSheet } from './new-mesh-sheet.page.tsx'
import { ScanSheet } from './scan-sheet.page.tsx'

export function MeshDialog({ app }: { app: App }): JSX.Element | null {
  const dialog = app.dialog.value
  switch (dialog?.kind) {
    case 'new':
      return <NewMeshSheet app={app} />
    case 'scan':
      return <ScanSheet app={app} />
    case 'invite':
      return <InviteSheet app={app} mesh={dialog.mesh} />
    case 'join':
      return <JoinSheet key={dialog.link} app={app} link={dialog.link} />
    default:
      return null
  }
}
