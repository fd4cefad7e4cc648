/** A short code that stands for an invite while two people talk: made, read as people type it, and turned into a key by CPace (docs/adr/0014). Must never let one code be tried twice. */
import type { CodeRun } from '../core/private-mesh.ts'
import { lengthValue, startPake } from '../identity/cpace.ts'
import { deriveKey, openWith, sealWith } from '../identity/sealing.ts'
import { isWord, wordAt } from '../identity/words.ts'
import { concat, equal, fromUtf8, toUtf8 } from '../shared/bytes.ts'
import { MeshError } from '../shared/errors.ts'

const NUMBERS = 100

/** 28 bits: two digits and two words. */
export function makeShortCode(): string {
  const [number = 0, first = 0, second = 0] = crypto.getRandomValues(new Uint32Array(3))
  return `${String(number % NUMBERS).padStart(2, '0')}-${wordAt(first)}-${wordAt(second)}`
}

/** As it was made, however it was typed. WORDS_INVALID, before anybody is asked: a slip must not cost the code. */
export function readShortCode(text: string): string {
  const [number, first, second, more] =
    text
      .slice(0, 200)
      .toLowerCase()
      .match(/[0-9]+|[a-z]+/g) ?? []
  if (more !== undefined || !/^\d{2}$/.test(number ?? '')) throw new MeshError('WORDS_INVALID', 'a code is two digits and two words')
  for (const word of [first, second]) if (!isWord(word ?? '')) throw new MeshError('WORDS_INVALID', `“${(word ?? '').slice(0, 20)}” is in no code`)
  return `${number}-${first}-${second}`
}

/** One run between these two peers; `session` is random, 16 bytes. */
export function startCode(code: string, who: { issuer: string; joiner: string }, session: Uint8Array, role: 'issuer' | 'joiner'): CodeRun {
  const channel = concat(['dmesh-code:1', who.joiner, who.issuer].map((text) => lengthValue(toUtf8(text))))
  const run = startPake({ secret: toUtf8(code), channel, session })
  return {
    share: run.share,
    finish(theirs) {
      const key = run.finish(theirs, role === 'joiner' ? 'first' : 'second')
      const proof = deriveKey(key, 'dmesh-code-proof')
      return {
        proof,
        proves: (given) => equal(deriveKey(given, 'compare'), deriveKey(proof, 'compare')),
        seal: (link) => sealWith(key, 'dmesh-code-invite', who.joiner, toUtf8(link)),
        async open(box) {
          const bytes = await openWith(key, 'dmesh-code-invite', who.joiner, box).catch(() => undefined)
          const link = bytes && fromUtf8(bytes)
          if (link === undefined) throw new MeshError('CODE_WRONG', 'the other side did not know this code')
          return link
        },
      }
    },
  }
}
