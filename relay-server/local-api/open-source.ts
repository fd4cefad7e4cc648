/** A file or folder of this computer as something to send: read as it is sent, never held whole. Must follow no link out of a folder. */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { FOLDER_TYPE } from '../../src/core/mesh.ts'
import { MeshError } from '../../src/shared/errors.ts'
import { MAX_TAR_FILES, tarParts } from '../../src/shared/tar.ts'
import { joinBlobs, openDiskBlob } from '../../src/storage/disk-blob.node.ts'

type Source = Blob & { readonly name: string }

/** SOURCE_CHANGED when it cannot be read, LIMIT_REACHED for a folder of too many files, BAD_ARGUMENT for one without any. */
export async function openSource({ path, name = basename(path) }: { readonly path: string; readonly name?: string | undefined }): Promise<Source> {
  try {
    const found = await stat(path)
    const blob = found.isDirectory() ? await openFolder(path) : await openDiskBlob(path)
    return Object.assign(blob, { name, lastModified: Math.floor(found.mtimeMs) })
  } catch (error) {
    if (error instanceof MeshError) throw error
    throw new MeshError('SOURCE_CHANGED', `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'no file'})`, { cause: error })
  }
}

/** Files alone, in an order that is the same each time: links, devices and empty folders are left out. */
async function openFolder(path: string): Promise<Blob> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  if (files.length === 0) throw new MeshError('BAD_ARGUMENT', `${path} holds no files`)
  if (files.length > MAX_TAR_FILES) throw new MeshError('LIMIT_REACHED', `${path} holds ${files.length} files; the most is ${MAX_TAR_FILES}`)
  const sources = []
  for (const file of files.sort()) {
    const { mtimeMs } = await stat(file)
    sources.push({ path: [basename(path), ...relative(path, file).split(sep)].join('/'), blob: await openDiskBlob(file), mtime: mtimeMs })
  }
  return joinBlobs(tarParts(sources), FOLDER_TYPE)
}
