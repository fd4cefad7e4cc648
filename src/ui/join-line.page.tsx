/** One sentence on the first card for somebody who came by an invite: who invites to what. Asks nobody. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { App } from './app.page.ts'
import { plainName } from './untrusted.ts'

export function JoinLine({ app, link }: { app: App; link: string }): JSX.Element {
  const [text, setText] = useState('You came by an invite. Choose a name first; then you see what it is for.')
  useEffect(() => {
    app.handle.meshes.look(link).then(
      ({ from, meshName }) =>
        setText(
          `${plainName(from, 'Somebody')} invites you to ${plainName(meshName ?? '', 'a private mesh')}. Choose a name first; then you can say yes.`,
        ),
      () => undefined, // the sheet after this card says what is wrong with it
    )
  }, [link])
  return (
    <p class="banner" role="status">
      {text}
    </p>
  )
}
