/** Use an invite that somebody shows: by camera, from a photo, or pasted. What is found is only looked at; the join sheet asks. */
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { App } from './app.page.ts'
import { cameraProblem, readPhoto, watchCamera } from './camera.page.ts'
import { findInvite } from './mesh-words.ts'
import { Sheet } from './sheet.page.tsx'
import { EnterShortCode } from './short-code.page.tsx'

const NOT_AN_INVITE = 'That is not an invite. It has to be a DMesh link with #join= in it; copy the whole link.'

export function ScanSheet({ app }: { app: App }): JSX.Element {
  const [hint, setHint] = useState('')
  const close = () => {
    app.dialog.value = undefined
  }
  const take = (text: string) => {
    const link = findInvite(text)
    if (link) app.dialog.value = { kind: 'join', link }
    else setHint(NOT_AN_INVITE)
    return link !== undefined
  }
  return (
    <Sheet title="Use an invite" onClose={close}>
      <Camera onText={take} />
      <Photo onText={take} onNothing={setHint} />
      <Paste onText={take} />
      <EnterShortCode app={app} onLink={take} />
      <p class={hint ? 'problem' : 'hidden'} role="alert">
        {hint}
      </p>
    </Sheet>
  )
}

function Camera({ onText }: { onText(text: string): boolean }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null)
  const [state, setState] = useState<{ readonly on: boolean; readonly problem?: string }>({ on: false })
  const [tries, setTries] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    const element = video.current
    if (element)
      watchCamera(element, onText, () => setState({ on: true }), stop.signal).catch((error: unknown) => {
        if (!stop.signal.aborted) setState({ on: false, problem: cameraProblem(error) })
      })
    return () => stop.abort()
  }, [tries])
  return (
    <div class="camera">
      <video ref={video} class="camera-view" muted playsInline hidden={!state.on} aria-label="What the camera sees" />
      {!state.on && !state.problem && <p class="hint">Starting the camera…</p>}
      {state.on && <p class="hint centre">Hold the code into the picture.</p>}
      {state.problem && (
        <div class="why-panel" role="status">
          <p>{state.problem}</p>
          <button type="button" class="button soft" onClick={() => setTries(tries + 1)}>
            Try the camera again
          </button>
        </div>
      )}
    </div>
  )
}

function Photo({ onText, onNothing }: { onText(text: string): boolean; onNothing(hint: string): void }): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState(false)
  const read = async (file: File | undefined) => {
    if (!file) return
    setBusy(true)
    const text = await readPhoto(file).catch(() => undefined)
    setBusy(false)
    if (text === undefined) onNothing('No code was found in that picture. Take it closer and straight on, or paste the link.')
    else onText(text)
  }
  return (
    <>
      <button type="button" class="button soft" disabled={busy} onClick={() => input.current?.click()}>
        {busy ? 'Looking…' : 'From a photo'}
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        onChange={(event) => {
          void read(event.currentTarget.files?.[0])
          event.currentTarget.value = ''
        }}
      />
    </>
  )
}

function Paste({ onText }: { onText(text: string): boolean }): JSX.Element {
  const [text, setText] = useState('')
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault()
        onText(text)
      }}
    >
      <label for="pasted-invite">Or paste the link</label>
      <div class="field-row">
        <input
          id="pasted-invite"
          class="field"
          inputMode="url"
          value={text}
          placeholder="https://…/#join=…"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button soft">
          Look
        </button>
      </div>
    </form>
  )
}
