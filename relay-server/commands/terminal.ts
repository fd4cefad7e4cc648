/** What a command may use of the process around it; an argument, so that commands can be tried without one. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder of the clone or installation. */
  readonly root: string
  /** One text and a line end to standard output. */
  readonly out: (text: string) => void
}
