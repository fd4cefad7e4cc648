/** The files protocol switched off: a relay carries files between others and takes none itself. */
import type { FilesService, Protocol } from '../src/core/protocol.ts'
import { MeshError } from '../src/shared/errors.ts'

export function createFilesOff(): Protocol<FilesService> {
  const refuse = () => Promise.reject(new MeshError('NOT_SUPPORTED', 'a relay sends and takes no files'))
  const service: FilesService = {
    transfers: () => [],
    offer: refuse,
    accept: refuse,
    decline: refuse,
    cancel: refuse,
    pause: refuse,
    resume: refuse,
    open: refuse,
    remove: refuse,
  }
  return { ids: [], may: 'file.offer', start: () => ({ service, serve: async (stream) => stream.abort() }) }
}
