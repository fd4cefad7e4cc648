/** Messages between a FileStore's client (mesh worker) and its server (storage worker) over a MessagePort: both ends are ours, of one build. Must hold types only. */
import type { WireError } from '../shared/errors.ts'

/** What both the browser's and Node.js's MessagePort are. */
export interface FilePort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listen: (event: { readonly data: unknown }) => void): void
  start?(): void
  close(): void
}

/** What each call carries and gives. Buffers are transferred in both directions. */
export interface FileCalls {
  create: { give: { id: string; resume: boolean }; get: { sink: number; offset: number; prefix?: string | undefined } }
  write: { give: { sink: number; chunk: Uint8Array<ArrayBuffer> }; get: undefined }
  finish: { give: { sink: number }; get: { size: number; sha256: string } }
  release: { give: { sink: number }; get: undefined }
  discard: { give: { sink: number }; get: undefined }
  read: { give: { id: string; offset: number }; get: { reader: number } }
  pull: { give: { reader: number }; get: Uint8Array<ArrayBuffer> | undefined }
  cancel: { give: { reader: number }; get: undefined }
  open: { give: { id: string }; get: Blob }
  size: { give: { id: string }; get: number | undefined }
  remove: { give: { id: string }; get: undefined }
  estimate: { give: Record<string, never>; get: { free?: number; used?: number } }
}

export type FileOp = keyof FileCalls

export interface FileRequest<Op extends FileOp = FileOp> {
  readonly n: number
  readonly op: Op
  readonly give: FileCalls[Op]['give']
}

/** Exactly one per request. */
export type FileReply = { readonly n: number; readonly get: unknown } | { readonly n: number; readonly error: WireError }

/** The server's last message: nobody answers on this port any more. */
export interface FileBye {
  readonly bye: true
}
