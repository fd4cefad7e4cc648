/** Choosing files: the button that opens the picker, and the reading of a drop. Files stay where they are; only handles are kept. */
import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { attempt } from './actions.page.ts'
import type { App } from './app.page.ts'

interface PickButtonProps {
  readonly class: string
  readonly label?: string
  readonly children: ComponentChildren
  /** What the button does when files are dragged over it. */
  readonly drag?: Readonly<Record<'onDragOver' | 'onDragLeave' | 'onDrop', (event: DragEvent) => void>>
  onPick(files: readonly File[]): void
}

export function PickButton({ class: name, label, children, drag, onPick }: PickButtonProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" class={name} aria-label={label} onClick={() => input.current?.click()} {...drag}>
        {children}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          onPick([...(event.currentTarget.files ?? [])])
          event.currentTarget.value = ''
        }}
      />
    </>
  )
}

export function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false
}

/** The files of a drop; a folder becomes one file, which is put together as it is sent. */
export async function droppedFiles(app: App, event: DragEvent): Promise<readonly File[]> {
  // Both are gone once the event is over.
  const items = [...(event.dataTransfer?.items ?? [])].filter((item) => item.kind === 'file')
  const found = items.flatMap((item) => {
    const entry = item.webkitGetAsEntry()
    return entry?.isDirectory ? entry : (item.getAsFile() ?? [])
  })
  const files: File[] = []
  for (const one of found) {
    if (one instanceof File) files.push(one)
    else await attempt(app, `${one.name} was not read.`, async () => files.push(await (await import('./folder.page.ts')).packFolder(one)))
  }
  return files
}
