/** Bytes as words that people can write down (BIP 39, English list), with a checksum that finds a wrong one. The list has 13 kB and is fetched with this file: import it when words are asked for. */
import { sha256 } from '@noble/hashes/sha2.js'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { MeshError } from '../shared/errors.ts'

const BITS = 11 // of one word

/** 12 words for 16 bytes, 24 for 32. Lengths in steps of 4. */
export function wordsOf(bytes: Uint8Array): readonly string[] {
  const bits = bitsOf(bytes) + bitsOf(sha256(bytes)).slice(0, bytes.byteLength / 4)
  return Array.from({ length: bits.length / BITS }, (_, i) => wordlist[Number.parseInt(bits.slice(i * BITS, (i + 1) * BITS), 2)] as string)
}

/** What `wordsOf` was given, however the words are spaced and written. WORDS_INVALID names the first that is none, or says that they do not belong together. */
export function bytesOfWords(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > MAX_TEXT) throw new MeshError('WORDS_INVALID', 'far too many words')
  const words =
    text
      .normalize('NFKD')
      .toLowerCase()
      .match(/[a-z]+/g) ?? []
  if (words.length !== 12 && words.length !== 24) throw new MeshError('WORDS_INVALID', `${words.length} words, not 12`)
  const bits = words.map((word, i) => {
    const index = wordlist.indexOf(word)
    if (index < 0) throw new MeshError('WORDS_INVALID', `word ${i + 1} is not one of the list`)
    return index.toString(2).padStart(BITS, '0')
  })
  const all = bits.join('')
  const size = Math.floor((words.length * BITS * 32) / 33 / 8)
  const bytes = Uint8Array.from({ length: size }, (_, i) => Number.parseInt(all.slice(i * 8, i * 8 + 8), 2))
  if (wordsOf(bytes).join() !== words.join()) throw new MeshError('WORDS_INVALID', 'these words do not belong together')
  return bytes
}

export function isWord(text: string): boolean {
  return wordlist.includes(text)
}

/** The word of a number, 11 bits of which count. */
export function wordAt(number: number): string {
  return wordlist[number % wordlist.length] as string
}

const MAX_TEXT = 1024 // characters: 24 words of at most 8, and what is between them

function bitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
}
