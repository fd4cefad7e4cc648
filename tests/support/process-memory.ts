/** What is in the memory of another process of this user, word by word. Linux only. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const PART = 1 << 24

/** Which of `words` are anywhere in the writable memory of a process, as bytes or as UTF-16. Must be given words that nothing else there holds. */
export function wordsInMemory(pid: number, words: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  for (const [, from = '', to = ''] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += PART) {
      const part = Buffer.alloc(Math.min(PART, end - at))
      try {
        readSync(memory, part, 0, part.length, at)
      } catch {
        continue // a mapping of the kernel's own
      }
      for (const word of words) if (part.includes(word) || part.includes(Buffer.from(word, 'utf16le'))) found.add(word)
    }
  }
  closeSync(memory)
  return found
}
