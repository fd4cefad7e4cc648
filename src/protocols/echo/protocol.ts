/** /dmesh/echo/1.0.0: every byte comes back, half-close included. For tests, benchmarks and `dmesh ping`. Must never look at the bytes. */
import type { Protocol } from '../../core/protocol.ts'
import { MeshError } from '../../shared/errors.ts'
import { PROTOCOL } from '../../wire/ids.ts'
import { MAX_LIFE } from './limits.ts'

export function createEcho(): Protocol<undefined> {
  return {
    ids: [PROTOCOL.echo],
    may: 'link.echo',
    start: ({ clock }) => ({
      service: undefined,
      async serve(stream) {
        const cancel = clock.after(MAX_LIFE, () => stream.abort(new MeshError('TIMEOUT', `echo streams end after ${MAX_LIFE} ms`)))
        try {
          await stream.readable.pipeTo(stream.writable)
        } finally {
          cancel()
        }
      },
    }),
  }
}
