/** An invite that was opened: who invites to what, before anybody is asked; then the wait for an owner's device; then in. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { InviteLook, MeshInfo } from '../core/meshes.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { meshName, ROLE_MEANS, ROLES, waitingText } from './mesh-words.ts'
import { routeHref } from './routes.ts'
import { Sheet } from './sheet.page.tsx'
import { ProblemText, type Task, useTask } from './task.page.tsx'
import { plainName } from './untrusted.ts'
import { durationText } from './words.ts'

export function JoinSheet({ app, link }: { app: App; link: string }): JSX.Element {
  const [look, setLook] = useState<InviteLook>()
  const task = useTask()
  useEffect(() => {
    void task.run('This invite cannot be used.', async () => setLook(await app.handle.meshes.look(link)))
  }, [link])
  const close = () => {
    app.dialog.value = undefined
  }
  const mesh = app.state.value.meshes.find(({ id }) => id === look?.mesh)
  return (
    <Sheet title={titleOf(look, mesh)} onClose={close}>
      {!look && task.busy && <p>Reading the invite…</p>}
      {look && <Step app={app} link={link} look={look} mesh={mesh} task={task} onClose={close} />}
      <ProblemText problem={task.problem} />
      {!look && task.problem && (
        <div class="sheet-actions">
          <button type="button" class="button soft" onClick={close}>
            Close
          </button>
        </div>
      )}
    </Sheet>
  )
}

function titleOf(look: InviteLook | undefined, mesh: MeshInfo | undefined): string {
  if (mesh?.status === 'joined') return `You are in ${meshName(mesh)}`
  return look ? `Join ${plainName(look.meshName ?? '', 'a private mesh')}` : 'Invite'
}

interface StepProps {
  readonly app: App
  readonly link: string
  readonly look: InviteLook
  readonly mesh: MeshInfo | undefined
  readonly task: Task
  onClose(): void
}

function Step({ app, link, look, mesh, task, onClose }: StepProps): JSX.Element {
  if (mesh?.status === 'joined') return <Joined app={app} mesh={mesh} onClose={onClose} />
  if (mesh?.status === 'waiting' && !mesh.problem && !task.busy)
    return (
      <>
        <WaitingText mesh={mesh} />
        <div class="sheet-actions">
          <button type="button" class="button soft" onClick={onClose}>
            Close
          </button>
        </div>
      </>
    )
  const join = () => task.run('You did not join.', (signal) => app.handle.meshes.join(link, { signal }))
  return (
    <>
      <Facts look={look} now={app.now.value} />
      <div class="sheet-actions">
        <button type="button" class="button primary" disabled={task.busy} onClick={() => void join()}>
          {task.busy ? 'Joining…' : 'Join'}
        </button>
        <button type="button" class="button plain" onClick={onClose}>
          Not now
        </button>
      </div>
      <p class="hint">Nothing was sent yet. The names above are what the invite says.</p>
    </>
  )
}

function Facts({ look, now }: { look: InviteLook; now: number }): JSX.Element {
  const [relay = ''] = look.relays
  return (
    <>
      <div class="offer">
        <PeerGlyph peer={look.mesh} />
        <p>
          <strong>
            <bdi>{plainName(look.from, 'Somebody')}</bdi>
          </strong>{' '}
          invites you to{' '}
          <strong>
            <bdi>{plainName(look.meshName ?? '', 'a private mesh')}</bdi>
          </strong>
          .
        </p>
      </div>
      <dl class="facts">
        <dt>You become</dt>
        <dd>
          {ROLES[look.role]}: {ROLE_MEANS[look.role]}
        </dd>
        <dt>They see</dt>
        <dd>your name here, and when you are online</dd>
        <dt>By way of</dt>
        <dd>{URL.canParse(relay) ? new URL(relay).host : 'an unknown relay'}</dd>
        <dt>Works for</dt>
        <dd>{durationText((look.until - now) / 1000)}</dd>
      </dl>
    </>
  )
}

/** The same words on the sheet and on the page of the mesh. */
export function WaitingText({ mesh }: { mesh: MeshInfo }): JSX.Element {
  return (
    <div role="status" class="waiting">
      <p>
        <strong>{waitingText(mesh)}</strong>
      </p>
      <p class="hint">
        Your place is counted. As soon as one of them is online, you are in. You can close this page; it goes on waiting when you open it again.
      </p>
    </div>
  )
}

function Joined({ app, mesh, onClose }: { app: App; mesh: MeshInfo; onClose(): void }): JSX.Element {
  const show = () => {
    app.shown.value = mesh.id
    onClose()
    location.hash = routeHref('devices')
  }
  return (
    <>
      <p role="status">You and the other members see each other now.</p>
      <div class="sheet-actions">
        <button type="button" class="button primary" onClick={show}>
          Show who is here
        </button>
      </div>
    </>
  )
}
