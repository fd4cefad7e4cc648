/** Contract of a folder that is served: on a disk, in a browser, or in memory. Whoever implements it decides what is in it; names outside of it do not exist. */

export interface TreeFile {
  readonly kind: 'file'
  /** Bytes. */
  readonly size: number
  /** ms since 1970. */
  readonly modified: number
  /** Read as it is sent, never held whole. Its reader fails when the file changes meanwhile. */
  open(): Promise<Blob>
}

export interface TreeFolder {
  readonly kind: 'folder'
  /** In no order; at most `most`. */
  list(most: number): Promise<readonly TreeEntry[]>
}

export interface TreeEntry {
  readonly name: string
  readonly kind: 'file' | 'folder'
  /** Bytes, of a file. */
  readonly size?: number
  /** ms since 1970. */
  readonly modified?: number
}

export interface Tree {
  /** `path`: names, none of them empty, '.' or '..', or with a slash, a backslash or a NUL inside. Undefined when there is nothing, or nothing to be shown. */
  look(path: readonly string[]): Promise<TreeFile | TreeFolder | undefined>
}
