/** What a person can do, as commands to the mesh: each failure becomes a notice with its reason and what to do. */
import type { PolicyRow } from '../core/access.ts'
import { FOLDER_TYPE, type MeshState, type PeerInfo, type TransferInfo } from '../core/mesh.ts'
import type { App } from './app.page.ts'
import { problemOf } from './problem.ts'
import { plainFileName, plainName, shortenMiddle } from './untrusted.ts'

/** Topic under which this page sends and shows conversations. */
export const CHAT_TOPIC = 'chat'
/** Files offered in one go; more needs a folder. */
export const MAX_FILES = 32
const MAX_NOTICES = 4

export function peerOf(state: MeshState, id: string): PeerInfo | undefined {
  return state.peers.find((peer) => peer.id === id)
}

/** The name of a peer as it may be shown. */
export function nameOf(state: MeshState, id: string): string {
  const peer = peerOf(state, id)
  return peer ? plainName(peer.name, shortenMiddle(id, 12)) : shortenMiddle(id, 12)
}

/** Messages of this peer that I have not read. */
export function unreadOf(state: MeshState, peer: string): number {
  return state.messages.filter((one) => one.peer === peer && one.topic === CHAT_TOPIC && one.direction === 'in' && one.status === 'delivered').length
}

/** Run a command; a failure is shown as a notice that starts with `what`. */
export async function attempt(app: App, what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    notify(app, what, error)
    return false
  }
}

export function notify(app: App, what: string, error: unknown): void {
  const notice = { id: (app.notices.peek().at(-1)?.id ?? 0) + 1, problem: problemOf(what, error) }
  app.notices.value = [...app.notices.peek(), notice].slice(-MAX_NOTICES)
}

export function dismiss(app: App, id: number): void {
  app.notices.value = app.notices.peek().filter((notice) => notice.id !== id)
}

export async function sendFiles(app: App, peer: string, files: readonly File[]): Promise<void> {
  if (files.length > MAX_FILES)
    notify(
      app,
      `Only the first ${MAX_FILES} files are offered.`,
      new Error('That many at once would flood the other side. Send the rest afterwards.'),
    )
  for (const file of files.slice(0, MAX_FILES)) {
    const sent = await attempt(app, `${plainFileName(file.name)} was not offered.`, () => app.handle.files.offer(peer, file, { name: file.name }))
    if (!sent) return
  }
}

/** Resolves to false when it could not be stored; nothing is lost then, the text stays in its field. */
export function sendText(app: App, peer: string, text: string): Promise<boolean> {
  return attempt(app, 'The message was not sent.', () => app.handle.send(peer, CHAT_TOPIC, text))
}

export async function sendOutgoing(app: App, peer: string): Promise<void> {
  const outgoing = app.outgoing.peek()
  app.outgoing.value = undefined
  if (!outgoing) return
  if (outgoing.text) await sendText(app, peer, outgoing.text)
  await sendFiles(app, peer, outgoing.files)
}

/** Hand the received bytes to the browser's own download. */
export function saveTransfer(app: App, transfer: TransferInfo): Promise<boolean> {
  return attempt(app, `${plainFileName(transfer.name)} was not saved.`, async () => {
    const url = URL.createObjectURL(await app.handle.files.open(transfer.id))
    const link = document.createElement('a')
    link.href = url
    link.download = `${plainFileName(transfer.name)}${transfer.type === FOLDER_TYPE ? '.tar' : ''}`
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 60_000) // the download reads it after the click
  })
}

/** Off keeps the row but lets it count for nothing: its time is over since 1970. */
export function switchRow(app: App, row: PolicyRow, on: boolean): Promise<boolean> {
  const { until: _, ...rest } = row
  return attempt(app, 'This permission was not changed.', () => app.handle.policy.put(on ? rest : { ...rest, until: 1 }))
}

export async function join(app: App, name: string): Promise<void> {
  const chosen = plainName(name, app.suggestedName)
  app.prefs.set('joined', '1')
  app.joined.value = true
  await app.handle.ready.catch(() => undefined) // a failed start has its own screen
  if (app.boot.peek().stage === 'failed' || app.handle.state.name === chosen) return
  await attempt(app, 'The name was not changed.', () => app.handle.rename(chosen))
}

export async function copyText(app: App, text: string): Promise<boolean> {
  const copied = await attempt(app, 'Nothing was copied.', () => navigator.clipboard.writeText(text))
  if (copied) app.live.value = 'Copied.'
  return copied
}
