/** The part of the Mesh contract that is about messages: once, in order, with topic and bytes, and read. */
import type { Mesh } from '../../src/core/mesh.ts'
import { check, codeFrom, equal, type MeshCase, type MeshContext, until } from './mesh-checks.ts'

export const MESSAGE_CASES: readonly MeshCase[] = [
  { name: 'send() arrives once and in order', run: messages },
  { name: 'a message reaches its listeners with its topic and its bytes', run: topics },
  { name: 'read() turns a line read here and at its sender, unless I do not say so', run: receipts },
  { name: 'send() refuses more than 256 KiB', run: tooLarge },
  { name: 'publish() reaches who is subscribed, by author, until the signal', run: pubsub },
  { name: 'publish() refuses more than 64 KiB and meshes I am not in', run: refusedPublish },
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
  await until(async () => a.state.messages.filter(({ topic }) => topic === 'contract').every(({ status }) => status !== 'waiting'), 'the receipts')
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

async function pubsub({ a, b }: MeshContext): Promise<void> {
  const got: string[] = []
  const mine: string[] = []
  const stop = new AbortController()
  await b.subscribe('contract.topic', ({ peer, topic, data }) => void got.push(`${peer === a.peer} ${topic} ${data.join()}`), { signal: stop.signal })
  await a.subscribe('contract.topic', () => void mine.push('own'))
  // Nobody knows when the way is there: it is sent until it is heard.
  await until(async () => {
    if (got.length === 0) await a.publish('contract.topic', Uint8Array.of(1, 0, 255))
    return got.length > 0
  }, 'a publication')
  check(
    got.every((line) => line === 'true contract.topic 1,0,255'),
    `got ${got[0]}`,
  )
  stop.abort()
  const before = got.length
  const late: string[] = []
  await b.subscribe('contract.topic', ({ data }) => void late.push(data.join()))
  await until(async () => {
    await a.publish('contract.topic', 'x')
    return late.length > 0
  }, 'what comes later')
  equal(got.length, before, 'publications after the signal')
  equal(mine.length, 0, 'own publications')
}

async function refusedPublish({ a }: MeshContext): Promise<void> {
  equal(await codeFrom(a.publish('contract.topic', new Uint8Array(64 * 1024 + 1))), 'BAD_ARGUMENT', 'code of a large one')
  equal(await codeFrom(a.publish('contract.topic', 'x', { mesh: a.peer })), 'ACCESS_DENIED', 'code of another mesh')
  equal(await codeFrom(a.subscribe('contract.topic', () => undefined, { mesh: a.peer })), 'ACCESS_DENIED', 'code of another mesh')
}
