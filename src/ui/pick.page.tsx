/** Choosing files: the button that opens the picker, and the reading of a drop. Files stay where they are; only handles are kept. */
import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { notify } from './actions.page.ts'
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

/** The files of a drop. Folders are left out, and the page says so. */
export function droppedFiles(app: App, event: DragEvent): readonly File[] {
  const items = [...(event.dataTransfer?.items ?? [])].filter((item) => item.kind === 'file')
  const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory)
  if (folders.length > 0)
    notify(app, 'Folders cannot be sent in this version.', new Error('Only single files can be offered. Choose the files inside the folder.'))
  return items.filter((item) => !folders.includes(item)).flatMap((item) => item.getAsFile() ?? [])
}
