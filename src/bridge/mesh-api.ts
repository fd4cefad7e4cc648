/** What crosses between a Mesh in the worker and its mirror in the page. Types only; both ends are of one build. */
import type { Decision, Grant, PolicyRow } from '../core/access.ts'
import type { PeerPlace } from '../core/find.ts'
import type { HandleOptions, MeshEvents, MeshSettings, MeshState, PathWhy, Publication } from '../core/mesh.ts'
import type { MeshesCall } from '../core/meshes-calls.ts'
import type { StreamMeta } from './stream.ts'

/** Calls page → worker. `channel` is the number under which the stream's bytes will run. */
export type MeshApi = {
  hello(): { readonly peer: string; readonly vip: string; readonly state: MeshState }
  open(channel: number, peer: string, protocol: string, direct: boolean): StreamMeta
  handle(handler: number, protocol: string, allow: HandleOptions['allow'] | undefined): void
  unhandle(handler: number): void
  send(peer: string, topic: string, data: string | Uint8Array<ArrayBuffer>): string
  read(peer: string, messageId: string | undefined): void
  configure(settings: Partial<MeshSettings>): void
  publish(topic: string, data: string | Uint8Array<ArrayBuffer>, mesh: string | undefined): void
  /** What comes is pushed as `publication` with this number. */
  subscribe(subscriber: number, topic: string, mesh: string | undefined): void
  unsubscribe(subscriber: number): void
  ping(peer: string): number
  find(peer: string, connect: boolean): readonly PeerPlace[]
  rename(name: string, peer: string | undefined): void
  offer(peer: string, source: Blob, name: string | undefined): string
  accept(id: string): void
  decline(id: string): void
  cancel(id: string): void
  pause(id: string): void
  resume(id: string, source: Blob | undefined): void
  openFile(id: string): Blob
  removeFile(id: string): void
  why(peer: string): PathWhy
  addRelay(origin: string): void
  removeRelay(origin: string): void
  rows(): readonly PolicyRow[]
  putRow(row: PolicyRow): void
  removeRow(id: string): void
  grant(grant: Grant): string
  revoke(id: string): void
  explain(who: string, may: string, to: string | undefined): Decision
  /** One call of MeshesApi; a signal among its options travels as the call's own. */
  meshes(name: MeshesCall, args: readonly unknown[]): unknown
}

type EventOf<K extends keyof MeshEvents> = { readonly type: K; readonly detail: MeshEvents[K] }
export type AnyMeshEvent = { [K in keyof MeshEvents]: EventOf<K> }[keyof MeshEvents]

/** To one subscriber of the page. */
export interface PublicationPush {
  readonly type: 'publication'
  readonly detail: Publication & { readonly subscriber: number }
}

/** Worker → page on CHANNEL.push. `first` comes on the channel before all else. */
export type Push =
  | { readonly t: 'event'; readonly n: number; readonly event: AnyMeshEvent | PublicationPush }
  | { readonly t: 'stream'; readonly handler: number; readonly channel: number; readonly meta: StreamMeta; readonly first: readonly unknown[] }

/** Page → worker on CHANNEL.push: every event up to `n` arrived; or a stream that is wanted without an answer, which fails on its own channel. */
export type FromPage =
  | { readonly t: 'ack'; readonly n: number }
  | { readonly t: 'open'; readonly channel: number; readonly peer: string; readonly protocol: string; readonly first: readonly unknown[] }
