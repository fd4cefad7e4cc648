/** A dropped folder as one file, a tar archive whose parts are read when they are sent. */
import { FOLDER_TYPE } from '../core/mesh.ts'
import { MeshError } from '../shared/errors.ts'
import { MAX_TAR_FILES, type TarSource, tarParts } from '../shared/tar.ts'

/** LIMIT_REACHED above MAX_TAR_FILES, BAD_ARGUMENT for a folder without files. */
export async function packFolder(folder: FileSystemEntry): Promise<File> {
  const sources: TarSource[] = []
  await collect(folder as FileSystemDirectoryEntry, sources)
  if (sources.length === 0) throw new MeshError('BAD_ARGUMENT', 'there are no files in it')
  sources.sort((a, b) => (a.path < b.path ? -1 : 1))
  return new File(tarParts(sources), folder.name, { type: FOLDER_TYPE })
}

async function collect(folder: FileSystemDirectoryEntry, into: TarSource[]): Promise<void> {
  const reader = folder.createReader()
  const next = () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
  for (let entries = await next(); entries.length > 0; entries = await next()) {
    for (const entry of entries) {
      if (entry.isDirectory) await collect(entry as FileSystemDirectoryEntry, into)
      else {
        const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
        into.push({ path: entry.fullPath.replace(/^\/+/, ''), blob: file, mtime: file.lastModified })
      }
      if (into.length > MAX_TAR_FILES) throw new MeshError('LIMIT_REACHED', `more than ${MAX_TAR_FILES} files; make an archive of it first`)
    }
  }
}
