/** One private mesh: what it is, who is in it, and what I may do with it. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { MeshInfo } from '../core/meshes.ts'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'
import { CopyField } from './copy-field.page.tsx'
import { PeerGlyph } from './glyph.page.tsx'
import { Icon } from './icons.page.tsx'
import { WaitingText } from './join-sheet.page.tsx'
import { MemberList } from './members.page.tsx'
import { EVERYONE, hereText, meshName, ROLES } from './mesh-words.ts'
import { routeHref } from './routes.ts'
import { Sheet } from './sheet.page.tsx'
import { ProblemText, useTask } from './task.page.tsx'
import { NAME_CHARACTERS, plainName } from './untrusted.ts'

interface Parts {
  readonly app: App
  readonly mesh: MeshInfo
}

export function MeshPane({ app, mesh }: Parts): JSX.Element {
  const name = meshName(mesh)
  return (
    <section class="card peer-pane mesh-pane" aria-label={name}>
      <div class="peer-head">
        <a class="icon-button" href={routeHref('meshes')} aria-label="Back to all meshes">
          <Icon name="back" />
        </a>
        <PeerGlyph peer={mesh.id} faded={mesh.status !== 'joined'} />
        <div class="row-text">
          <h1 class="name pane-title" tabIndex={-1}>
            <bdi>{name}</bdi>
          </h1>
          <span class="path">{mesh.status === 'joined' ? `Private · you are ${withArticle(mesh)} · ${hereText(mesh)}` : 'Private'}</span>
        </div>
      </div>
      {mesh.status === 'joined' ? <Inside app={app} mesh={mesh} /> : <Outside app={app} mesh={mesh} />}
    </section>
  )
}

function withArticle({ role }: MeshInfo): string {
  return role === 'owner' ? 'an owner' : `a ${ROLES[role].toLowerCase()}`
}

function Inside({ app, mesh }: Parts): JSX.Element {
  return (
    <>
      <div class="actions">
        {mesh.role === 'owner' && (
          <button
            type="button"
            class="button primary"
            onClick={() => {
              app.dialog.value = { kind: 'invite', mesh: mesh.id }
            }}
          >
            Invite
          </button>
        )}
        <a
          class="button soft"
          href={routeHref('devices')}
          onClick={() => {
            app.shown.value = mesh.id
          }}
        >
          Show who is here
        </a>
      </div>
      <MemberList app={app} mesh={mesh} />
      {mesh.role === 'owner' && <Rename key={mesh.name} app={app} mesh={mesh} />}
      <Leave app={app} mesh={mesh} label="Leave this mesh" />
      <details>
        <summary>Details</summary>
        <CopyField app={app} label="Mesh ID" value={mesh.id} />
        {mesh.relays.map((origin) => (
          <CopyField key={origin} app={app} label="Relay" value={origin} />
        ))}
        <p class="hint">{keyText(mesh.epoch)}</p>
      </details>
    </>
  )
}

function keyText(epoch: number): string {
  if (epoch === 0) return 'Its first key is in use.'
  return epoch === 1 ? 'Its key was changed once, when somebody went.' : `Its key was changed ${epoch} times, each time somebody went.`
}

function Outside({ app, mesh }: Parts): JSX.Element {
  if (mesh.status === 'removed')
    return (
      <>
        <p>An owner removed you. Messages and files that already arrived stay here. To come back you need a new invite.</p>
        <Leave app={app} mesh={mesh} label="Forget this mesh" />
      </>
    )
  return (
    <>
      {mesh.problem ? (
        <p class="problem" role="alert">
          <strong>You are not in.</strong> {plainName(mesh.problem.message, 'No reason was given', 240)}. Ask for a new invite.
        </p>
      ) : (
        <WaitingText mesh={mesh} />
      )}
      <Leave app={app} mesh={mesh} label={mesh.problem ? 'Forget this mesh' : 'Stop waiting'} />
    </>
  )
}

function Rename({ app, mesh }: Parts): JSX.Element {
  const [name, setName] = useState(mesh.name)
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault()
        void attempt(app, 'The mesh was not renamed.', () => app.handle.meshes.rename(mesh.id, plainName(name, '')))
      }}
    >
      <label for="mesh-rename">Name, for all members</label>
      <div class="field-row">
        <input
          id="mesh-rename"
          class="field"
          dir="auto"
          value={name}
          maxLength={NAME_CHARACTERS}
          autocomplete="off"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" class="button soft">
          Save
        </button>
      </div>
    </form>
  )
}

function Leave({ app, mesh, label }: Parts & { label: string }): JSX.Element {
  const [asked, setAsked] = useState(false)
  return (
    <>
      <div class="actions">
        <button type="button" class="button plain flush" onClick={() => setAsked(true)}>
          {label}
        </button>
      </div>
      {asked && <LeaveSheet app={app} mesh={mesh} label={label} onClose={() => setAsked(false)} />}
    </>
  )
}

function LeaveSheet({ app, mesh, label, onClose }: Parts & { label: string; onClose(): void }): JSX.Element {
  const task = useTask()
  const leave = () =>
    task.run('You did not leave.', async () => {
      await app.handle.meshes.leave(mesh.id)
      if (app.shown.value === mesh.id) app.shown.value = EVERYONE
      location.hash = routeHref('meshes')
    })
  const alone = mesh.status === 'joined' && mesh.members.length <= 1
  return (
    <Sheet title={`${label}?`} onClose={onClose}>
      <p>
        {alone
          ? `Nobody else is in ${meshName(mesh)}, so it ends with you.`
          : `To come back to ${meshName(mesh)} you need a new invite. Messages and files that already arrived stay here.`}
      </p>
      <ProblemText problem={task.problem} />
      <div class="sheet-actions">
        <button type="button" class="button harm" disabled={task.busy} onClick={() => void leave()}>
          {label}
        </button>
        <button type="button" class="button plain" onClick={onClose}>
          Stay
        </button>
      </div>
    </Sheet>
  )
}
