/** Invites to one mesh: for whom, how many and how long; the code, the link; those that are open, to show again or to withdraw. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { InviteInfo, MemberRole, MeshInfo } from '../core/meshes.ts'
import { copyText } from './actions.page.ts'
import type { App } from './app.page.ts'
import { leftToUse, meshName, ROLE_MEANS, ROLES } from './mesh-words.ts'
import { QrCode } from './qr-code.page.tsx'
import { ShareButton } from './share-button.page.tsx'
import { ShowShortCode } from './short-code.page.tsx'
import { ProblemText, type Task, useTask } from './task.page.tsx'

const HOUR = 3_600_000
const USES: readonly (readonly [number, string])[] = [
  [1, 'one'],
  [5, '5'],
  [20, '20'],
  [100, '100'],
]
const TIMES: readonly (readonly [number, string])[] = [
  [HOUR, '1 hour'],
  [24 * HOUR, '1 day'],
  [7 * 24 * HOUR, '7 days'],
  [30 * 24 * HOUR, '30 days'],
]

interface Parts {
  readonly app: App
  readonly mesh: MeshInfo
}

export function MeshInvites({ app, mesh }: Parts): JSX.Element {
  const [open, setOpen] = useState<readonly InviteInfo[]>([])
  const [shown, setShown] = useState<string>()
  const task = useTask()
  const look = async () => setOpen(await app.handle.meshes.invites(mesh.id))
  useEffect(() => {
    // somebody who was admitted counts: the list changes with the members
    look().catch(() => undefined)
  }, [mesh.id, mesh.members.length])
  const make = (role: MemberRole, uses: number, lasts: number) =>
    task.run('No invite was made.', async () => {
      const made = await app.handle.meshes.invite(mesh.id, { role, uses, until: Date.now() + lasts })
      setShown(made.id)
      await look()
    })
  const withdraw = (id: string) =>
    task.run('The invite was not withdrawn.', async () => {
      await app.handle.meshes.withdraw(id)
      app.live.value = 'Withdrawn.'
      await look()
    })
  const invite = open.find(({ id }) => id === shown)
  return (
    <>
      {invite ? <Shown app={app} mesh={mesh} invite={invite} onMore={() => setShown(undefined)} /> : <Form task={task} onMake={make} />}
      <ProblemText problem={task.problem} />
      {!invite && <ShowShortCode app={app} mesh={mesh} />}
      <OpenInvites app={app} open={open.filter(({ id }) => id !== invite?.id)} onShow={setShown} onWithdraw={withdraw} />
    </>
  )
}

function Form({ task, onMake }: { task: Task; onMake(role: MemberRole, uses: number, lasts: number): void }): JSX.Element {
  const [role, setRole] = useState<MemberRole>('member')
  const [uses, setUses] = useState(1)
  const [lasts, setLasts] = useState(7 * 24 * HOUR)
  return (
    <form
      class="invite-form"
      onSubmit={(event) => {
        event.preventDefault()
        onMake(role, uses, lasts)
      }}
    >
      <label>
        People
        <select class="field" value={uses} onChange={(event) => setUses(Number(event.currentTarget.value))}>
          {USES.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        Works for
        <select class="field" value={lasts} onChange={(event) => setLasts(Number(event.currentTarget.value))}>
          {TIMES.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <label>
        As
        <select class="field" value={role} onChange={(event) => setRole(event.currentTarget.value as MemberRole)}>
          {(['member', 'guest', 'owner'] as const).map((value) => (
            <option key={value} value={value}>
              {ROLES[value]}
            </option>
          ))}
        </select>
      </label>
      <p class="hint">
        {ROLES[role]}: {ROLE_MEANS[role]}.
      </p>
      <button type="submit" class="button primary" disabled={task.busy}>
        {task.busy ? 'Making…' : 'Make invite'}
      </button>
    </form>
  )
}

function Shown({ app, mesh, invite, onMore }: Parts & { invite: InviteInfo; onMore(): void }): JSX.Element {
  const name = meshName(mesh)
  return (
    <>
      <QrCode text={invite.link} label={`Code to scan for an invite to ${name}`} large />
      <p>
        Whoever has this code or link can join as {ROLES[invite.role].toLowerCase()}: {leftToUse(invite, app.now.value)}.
      </p>
      <div class="sheet-actions">
        <button type="button" class="button primary" onClick={() => void copyText(app, invite.link)}>
          Copy link
        </button>
        <ShareButton app={app} title={`Join ${name}`} url={invite.link} />
        <button type="button" class="button plain" onClick={onMore}>
          Another
        </button>
      </div>
      <p class="hint">One of the owners’ devices has to be online once to let them in. Until then their page waits.</p>
    </>
  )
}

interface OpenProps {
  readonly app: App
  readonly open: readonly InviteInfo[]
  onShow(id: string): void
  onWithdraw(id: string): void
}

function OpenInvites({ app, open, onShow, onWithdraw }: OpenProps): JSX.Element | null {
  if (open.length === 0) return null
  return (
    <section aria-label="Open invites">
      <h3 class="group">Open invites</h3>
      <ul class="rows card">
        {open.map((one) => {
          const what = `${ROLES[one.role]}, ${leftToUse(one, app.now.value)}`
          return (
            <li key={one.id} class="row invite-row">
              <div class="row-text">
                <strong>{ROLES[one.role]}</strong>
                <span class="hint">{leftToUse(one, app.now.value)}</span>
              </div>
              <button type="button" class="button soft" aria-label={`Show the invite: ${what}`} onClick={() => onShow(one.id)}>
                Show
              </button>
              <button type="button" class="button plain" aria-label={`Withdraw the invite: ${what}`} onClick={() => onWithdraw(one.id)}>
                Withdraw
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
