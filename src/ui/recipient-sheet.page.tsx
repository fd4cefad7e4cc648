/** Files or a text were chosen without a device: to whom do they go? */
import type { JSX } from 'preact'
import { sendOutgoing } from './actions.page.ts'
import type { App, Outgoing } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { PathLine } from './path-line.page.tsx'
import { Sheet } from './sheet.page.tsx'
import { plainFileName, plainName } from './untrusted.ts'
import { bytesText } from './words.ts'

export function RecipientSheet({ app, outgoing }: { app: App; outgoing: Outgoing }): JSX.Element {
  // a text may wait for somebody who is away, a file offer cannot
  const peers = app.state.value.peers.filter((peer) => outgoing.text || peer.path !== 'away')
  return (
    <Sheet
      title={`Send ${whatText(outgoing)} to`}
      onClose={() => {
        app.outgoing.value = undefined
      }}
    >
      {peers.length === 0 && <p>Nobody is here to send it to. Open this address on another device first.</p>}
      <ul class="rows choose">
        {peers.map((peer) => (
          <li key={peer.id} class="row">
            <PeerGlyph peer={peer.id} faded={peer.path === 'away'} />
            <div class="row-text">
              <bdi class="name">{plainName(peer.name)}</bdi>
              <PathLine app={app} peer={peer} />
            </div>
            <button type="button" class="button soft" aria-label={`Send to ${plainName(peer.name)}`} onClick={() => void sendOutgoing(app, peer.id)}>
              Send
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  )
}

function whatText({ files, text }: Outgoing): string {
  if (text !== undefined) return 'this text'
  const size = bytesText(files.reduce((sum, file) => sum + file.size, 0))
  return files.length === 1 ? `${plainFileName(files[0]?.name ?? '')} (${size})` : `${files.length} files (${size})`
}
