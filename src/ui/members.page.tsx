/** Members of one mesh: who, in which role, here or away; an owner changes roles and removes. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { MemberRole, MeshInfo, MeshMember } from '../core/meshes.ts'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'
import { PeerGlyph } from './glyph.page.tsx'
import { meshName, ROLES } from './mesh-words.ts'
import { routeHref } from './routes.ts'
import { Sheet } from './sheet.page.tsx'
import { ProblemText, useTask } from './task.page.tsx'
import { plainName } from './untrusted.ts'

interface Parts {
  readonly app: App
  readonly mesh: MeshInfo
}

export function MemberList({ app, mesh }: Parts): JSX.Element {
  const [removing, setRemoving] = useState<MeshMember>()
  return (
    <section aria-label="Members">
      <h2 class="group first">Members</h2>
      <ul class="rows bordered">
        {mesh.members.map((member) => (
          <MemberRow key={member.peer} app={app} mesh={mesh} member={member} onRemove={() => setRemoving(member)} />
        ))}
      </ul>
      {removing && <RemoveSheet app={app} mesh={mesh} member={removing} onClose={() => setRemoving(undefined)} />}
    </section>
  )
}

function MemberRow({ app, mesh, member, onRemove }: Parts & { member: MeshMember; onRemove(): void }): JSX.Element {
  const me = member.peer === app.state.value.peer
  const known = app.state.value.peers.some(({ id }) => id === member.peer)
  const name = plainName(member.name)
  return (
    <li class="row member" data-member={member.peer}>
      <PeerGlyph peer={member.peer} faded={!member.here} />
      <div class="row-text">
        {known && !me ? (
          <a class="member-link" href={routeHref('devices', member.peer)}>
            <bdi class="name">{name}</bdi>
          </a>
        ) : (
          <bdi class="name">{name}</bdi>
        )}
        <span class="path">
          {me ? 'You' : member.here ? 'Here' : 'Away'} · {ROLES[member.role]}
        </span>
      </div>
      {mesh.role === 'owner' && !me && (
        <div class="member-tools">
          <RoleSelect app={app} mesh={mesh} member={member} />
          <button type="button" class="button plain" aria-label={`Remove ${name}`} onClick={onRemove}>
            Remove
          </button>
        </div>
      )}
    </li>
  )
}

function RoleSelect({ app, mesh, member }: Parts & { member: MeshMember }): JSX.Element {
  const change = (role: MemberRole) => attempt(app, 'The role was not changed.', () => app.handle.meshes.setRole(mesh.id, member.peer, role))
  return (
    <select
      class="field small"
      aria-label={`Role of ${plainName(member.name)}`}
      value={member.role}
      onChange={(event) => {
        const select = event.currentTarget
        // what the mesh says is what is shown, also when it refused
        void change(select.value as MemberRole).then((changed) => {
          if (!changed) select.value = member.role
        })
      }}
    >
      {(['owner', 'member', 'guest'] as const).map((role) => (
        <option key={role} value={role}>
          {ROLES[role]}
        </option>
      ))}
    </select>
  )
}

function RemoveSheet({ app, mesh, member, onClose }: Parts & { member: MeshMember; onClose(): void }): JSX.Element {
  const task = useTask()
  const name = plainName(member.name)
  const remove = async () => {
    const done = await task.run(`${name} was not removed.`, () => app.handle.meshes.remove(mesh.id, member.peer))
    if (!done) return
    app.live.value = `${name} was removed.`
    onClose()
  }
  return (
    <Sheet title={`Remove ${name}?`} onClose={onClose}>
      <p>
        The key of {meshName(mesh)} changes at once: {name} no longer sees who is in it or here. Members who are away get the new key when they come
        back.
      </p>
      <p class="hint">{name} keeps the messages, files and names that already arrived, and can still be met in the lobby.</p>
      <ProblemText problem={task.problem} />
      <div class="sheet-actions">
        <button type="button" class="button harm" disabled={task.busy} onClick={() => void remove()}>
          {task.busy ? 'Removing…' : `Remove ${name}`}
        </button>
        <button type="button" class="button plain" onClick={onClose}>
          Keep
        </button>
      </div>
    </Sheet>
  )
}
