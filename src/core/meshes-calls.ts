/** MeshesApi as a list of calls, so that whoever only passes it on (bridge, page, lazy loader) forwards all of it and nothing else. Pure. */
import type { MeshesApi } from './meshes.ts'

export type MeshesCall = keyof MeshesApi

/** Every call; `true` = its last argument is options with a signal. */
const CALLS: Readonly<Record<MeshesCall, boolean>> = {
  create: false,
  rename: false,
  invite: false,
  invites: false,
  withdraw: false,
  look: false,
  join: true,
  setRole: false,
  remove: false,
  leave: false,
  shortCode: false,
  enterCode: true,
  backup: false,
  restore: true,
}

export function isMeshesCall(name: unknown): name is MeshesCall {
  return typeof name === 'string' && Object.hasOwn(CALLS, name)
}

export function takesSignal(name: MeshesCall): boolean {
  return CALLS[name]
}

/** A MeshesApi of which each call is `forward(name, args)`. */
export function forwardMeshes(forward: (name: MeshesCall, args: readonly unknown[]) => Promise<unknown>): MeshesApi {
  const calls = (Object.keys(CALLS) as MeshesCall[]).map((name) => [name, (...args: unknown[]) => forward(name, args)] as const)
  return Object.fromEntries(calls) as unknown as MeshesApi
}

/** Make one call on the real one. */
export function callMeshes(meshes: MeshesApi, name: MeshesCall, args: readonly unknown[]): Promise<unknown> {
  return (meshes[name] as (...all: readonly unknown[]) => Promise<unknown>)(...args)
}
