/** The part of the Mesh contract that is about messages: once, in order, with topic and bytes, and read. */
import type { Mesh } from '../../src/core/mesh.ts'
import { check, codeFrom, equal, type MeshCase, type MeshContext, until } from './mesh-checks.ts'

export const MESSAGE_CASES: readonly MeshCase[] = [
  { name: 'send() arrives once and in order', run: messages },
  { name: 'a message reaches its listeners with its topic and its bytes', run: topics },
  { name: 'read() turns a line read here and at its sender, unless I do not say so', run: receipts },
  { name: 'send() refuses more than 256 KiB', run: tooLarge },
]

async function messages({ a, b }: MeshContext): Promise<void> {
  const got: string[] = []
  const stop = new AbortController()
  b.addEventListener('message', ({ detail }) => void (detail.topic === 'contract' && got.push(new TextDecoder().decode(detail.data))), {
    signal: stop.signal,
  })
  const sent = Array.from({ length: 20 }, (_, i) => `message ${i}`)
  for (const text of sent) check((await a.send(b.peer, 'contract', text)).length > 0, 'send() gives an id')
  await until(async () => got.length >= sent.length, 'the messages')
  await until(async () => a.state.messages.filter(({ topic }) => topic === 'contract').every(({ status }) => status === 'delivered'), 'the receipts')
  equal(got.join(), sent.join(), 'messages')
  stop.abort()
}

async function topics({ a, b }: MeshContext): Promise<void> {
  const got: string[] = []
  const stop = new AbortController()
  for (const topic of ['contract.one', 'contract.two'])
    b.addEventListener(
      'message',
      ({ detail }) => void (detail.topic === topic && got.push(`${topic} ${detail.peer === a.peer} ${detail.data.join()}`)),
      {
        signal: stop.signal,
      },
    )
  await a.send(b.peer, 'contract.one', Uint8Array.of(1, 0, 255))
  await a.send(b.peer, 'contract.two', Uint8Array.of(2))
  await until(async () => got.length >= 2, 'both topics')
  equal(got.join(' / '), 'contract.one true 1,0,255 / contract.two true 2', 'what listeners got')
  stop.abort()
}

async function receipts({ a, b }: MeshContext): Promise<void> {
  const status = (mesh: Mesh, id: string) => mesh.state.messages.find((line) => line.id === id)?.status
  const [first, second] = [await a.send(b.peer, 'contract', 'first'), await a.send(b.peer, 'contract', 'second')]
  await until(async () => status(a, second) === 'delivered' && status(b, second) === 'delivered', 'the messages')
  await b.read(a.peer, first)
  await until(async () => status(a, first) === 'read' && status(b, first) === 'read', 'the first to be read')
  equal(status(a, second), 'delivered', 'the second')
  await b.configure({ sendReceipts: false })
  await until(async () => !b.state.settings.sendReceipts, 'the setting')
  await b.read(a.peer)
  await until(async () => status(b, second) === 'read', 'the second to be read')
  const third = await b.send(a.peer, 'contract', 'third')
  await until(async () => status(b, third) === 'delivered', 'whatever was on its way')
  equal(status(a, second), 'delivered', 'the second at its sender')
  await b.configure({ sendReceipts: true })
}

async function tooLarge({ a, b }: MeshContext): Promise<void> {
  const code = await codeFrom(a.send(b.peer, 'contract', new Uint8Array(256 * 1024 + 1)))
  check(code === 'BAD_ARGUMENT' || code === 'FRAME_TOO_LARGE', `code ${code}`)
}
