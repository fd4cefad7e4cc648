/** A folder of this computer as a tree to serve. Must never follow a link out of it, and never read but what is asked for. */
import { opendir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Tree, TreeEntry, TreeFile } from '../../src/core/tree.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { openDiskBlob } from '../../src/storage/disk-blob.node.ts'

/** `dir`: absolute. SOURCE_CHANGED when it is no folder that we can read. */
export async function openDiskTree(dir: string): Promise<Tree> {
  const root = await realpath(dir).catch(() => undefined)
  if (!root || !(await stat(root)).isDirectory()) throw new MeshError('SOURCE_CHANGED', `${dir} is no folder that can be read`)
  const inside = root.endsWith(sep) ? root : root + sep
  return {
    async look(path) {
      // What a link leads to is looked at, not the link: outside of the folder there is nothing.
      const real = await realpath(join(root, ...path)).catch(() => undefined)
      if (real === undefined || (real !== root && !real.startsWith(inside))) return undefined
      const facts = await stat(real).catch(() => undefined)
      if (facts?.isDirectory()) return { kind: 'folder', list: (most) => list(real, most) }
      return facts?.isFile() ? file(real, facts.size, facts.mtimeMs) : undefined
    },
  }
}

function file(path: string, size: number, modified: number): TreeFile {
  return { kind: 'file', size, modified, open: () => openDiskBlob(path) }
}

async function list(dir: string, most: number): Promise<readonly TreeEntry[]> {
  const entries: TreeEntry[] = []
  for await (const entry of await opendir(dir)) {
    if (entries.length >= most) break
    const facts = await stat(join(dir, entry.name)).catch(() => undefined)
    if (facts?.isDirectory()) entries.push({ name: entry.name, kind: 'folder', modified: facts.mtimeMs })
    else if (facts?.isFile()) entries.push({ name: entry.name, kind: 'file', size: facts.size, modified: facts.mtimeMs })
  }
  return entries
}
