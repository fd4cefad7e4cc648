/** The thrifty muxer against stock yamux over a pair in memory: every way in which the other side may answer, and ask. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { askAhead, type EagerOption, thrifty } from '../../../src/mesh/muxer.ts'
import { codeOf, MeshError } from '../../../src/shared/errors.ts'
import { waitUntil } from '../../support/wait.ts'

const PROTOCOL = '/x/thing/1.0.0'
const AGREEMENT = `\x13/multistream/1.0.0\n\x0f${PROTOCOL}\n`

interface Watched<S extends MessageStream = Stream> {
  readonly stream: S
  text(): string
  ended(): boolean
  code(): string | undefined
}

function watch<S extends MessageStream>(stream: S): Watched<S> {
  let text = ''
  let ended = false
  let code: string | undefined
  stream.addEventListener('message', ({ data }) => (text += new TextDecoder().decode(data.subarray())))
  stream.addEventListener('end', () => (ended = true))
  stream.addEventListener('close', ({ error }) => (code = error && codeOf(error)))
  return { stream, text: () => text, ended: () => ended, code: () => code }
}

const buffered = (stream: MessageStream) => (stream as MessageStream & { readonly readBufferLength: number }).readBufferLength
const bytes = (text: string) => new TextEncoder().encode(text)
// Its keep-alive would outlive the tests.
const stock = () => yamux({ enableKeepAlive: false })() as StreamMuxerFactory
const own = (offered: readonly string[]) => thrifty(stock(), () => offered)

/** `opener` opens; what the other side meets comes through `met`, with its protocol then. */
function pair(opener: StreamMuxerFactory, other: StreamMuxerFactory) {
  const [left, right] = multiaddrConnectionPair()
  const a = opener.createStreamMuxer(left)
  const b = other.createStreamMuxer(right)
  const met: (Watched & { readonly protocol: string })[] = []
  b.addEventListener('stream', ({ detail }) => met.push({ protocol: detail.protocol, ...watch(detail) }))
  return { a, met }
}

async function ask(muxer: StreamMuxer): Promise<Watched> {
  const options: { protocol: string } & EagerOption = { protocol: PROTOCOL, eager: true }
  return watch((await muxer.createStream(options)) as Stream)
}

async function asked(): Promise<{ one: Watched; other: Watched }> {
  const { a, met } = pair(own([]), stock())
  const one = await ask(a)
  assert.equal(one.stream.protocol, PROTOCOL)
  one.stream.send(bytes('early'))
  const other = await waitUntil(() => met[0], { what: 'the stream' })
  await waitUntil(() => other.text() === `${AGREEMENT}early`, { what: 'question and bytes' })
  return { one, other }
}

it('sends its bytes behind the question and reads nothing but what comes behind the yes, however it is cut', async () => {
  for (const cut of [1, 5, 20, 1000]) {
    const { one, other } = await asked()
    const answer = bytes(`${AGREEMENT}hello`)
    for (let at = 0; at < answer.byteLength; at += cut) other.stream.send(answer.slice(at, at + cut))
    await waitUntil(() => one.text() === 'hello', { what: `the answer in pieces of ${cut}` })
  }
})

it('fails with UNKNOWN_PROTOCOL when the answer is not the yes', async () => {
  for (const answer of ['\x13/multistream/1.0.0\n\x03na\n', '\x13/multistream/1.0.0\n\x0f/x/other/1.0.0\n', 'rubbish']) {
    const { one, other } = await asked()
    other.stream.send(bytes(answer))
    await waitUntil(() => one.code() === 'UNKNOWN_PROTOCOL', { what: `the refusal after ${JSON.stringify(answer)}` })
    assert.equal(one.text(), '')
  }
})

it('hears what the other side of a connection said before it was asked, as go-libp2p does', async () => {
  const answer = bytes(`${AGREEMENT}hello`)
  for (const early of [0, 1, 20, answer.byteLength - 1, answer.byteLength]) {
    const [left, right] = multiaddrConnectionPair()
    if (early > 0) right.send(answer.slice(0, early))
    await waitUntil(() => buffered(left) === early, { what: 'the early bytes' })
    askAhead(left, PROTOCOL)
    const one = watch(left)
    const other = watch(right)
    left.send(bytes('question'))
    if (early < answer.byteLength) right.send(answer.slice(early))
    await waitUntil(() => one.text() === 'hello', { what: `the answer of which ${early} bytes were early` })
    await waitUntil(() => other.text() === `${AGREEMENT}question`, { what: 'the question' })
  }
  const [left, right] = multiaddrConnectionPair()
  right.send(bytes('rubbish'))
  await waitUntil(() => buffered(left) > 0, { what: 'the rubbish' })
  const one = watch(left)
  askAhead(left, PROTOCOL)
  assert.deepEqual([one.code(), one.text()], ['UNKNOWN_PROTOCOL', ''])
})

it('takes an end before the yes for a refusal, not for an empty answer', async () => {
  const { one, other } = await asked()
  other.stream.send(bytes(AGREEMENT.slice(0, 10)))
  await other.stream.close()
  await waitUntil(() => one.code() === 'UNKNOWN_PROTOCOL', { what: 'the refusal' })
})

it('ends well when the other side half-closes behind the yes', async () => {
  const { one, other } = await asked()
  other.stream.send(bytes(AGREEMENT))
  await other.stream.close()
  await waitUntil(() => one.ended(), { what: 'the end' })
  assert.equal(one.code(), undefined)
})

it('says yes in one go to a question that comes with the first frame, and keeps what comes behind it', async () => {
  const { a, met } = pair(own([]), own([PROTOCOL]))
  const one = watch((await a.createStream()) as Stream)
  one.stream.send(bytes(`${AGREEMENT}early`))
  const other = await waitUntil(() => met[0], { what: 'the stream' })
  assert.equal(other.protocol, PROTOCOL)
  await waitUntil(() => other.text() === 'early', { what: 'the bytes' })
  await waitUntil(() => one.text() === AGREEMENT, { what: 'the yes' })
})

it('keeps the yes back for the answer when bytes came behind the question, but not for long', async () => {
  for (const answer of ['hello', undefined, 'close'] as const) {
    const { a, met } = pair(own([]), own([PROTOCOL]))
    const one = watch((await a.createStream()) as Stream)
    const frames: string[] = []
    one.stream.addEventListener('message', ({ data }) => frames.push(new TextDecoder().decode(data.subarray())))
    one.stream.send(bytes(`${AGREEMENT}early`))
    const other = await waitUntil(() => met[0], { what: 'the stream' })
    assert.equal(one.text(), '')
    if (answer === 'close') await other.stream.close()
    else if (answer) other.stream.send(bytes(answer))
    await waitUntil(() => one.text().startsWith(AGREEMENT), { what: 'the yes' })
    assert.deepEqual(frames, [answer === 'hello' ? `${AGREEMENT}hello` : AGREEMENT])
    if (answer === 'close') await waitUntil(() => one.ended(), { what: 'the end' })
  }
})

it('says nothing more on a stream that ended before it said a word', async () => {
  const { a, met } = pair(own([]), own([PROTOCOL]))
  const one = await ask(a)
  one.stream.abort(new Error('changed my mind'))
  await assert.doesNotReject(async () => one.stream.close())
  const two = await ask(a)
  two.stream.send(bytes('early'))
  const other = await waitUntil(() => met.find(({ text }) => text() === 'early'), { what: 'the second stream' })
  other.stream.abort(new Error('no'))
  await waitUntil(() => two.code() !== undefined, { what: 'the reset' })
  assert.equal(two.text(), '')
})

it('leaves every other question to libp2p with its bytes untouched', async () => {
  const questions = [
    AGREEMENT.slice(0, 20),
    AGREEMENT.replace('thing', 'thong'),
    '\x13/multistream/1.0.0\n\x03ls\n',
    'x',
    `\x13/multistream/1.0.0\n\xff`,
  ]
  for (const question of questions) {
    const { a, met } = pair(own([]), own([PROTOCOL]))
    const one = watch((await a.createStream()) as Stream)
    one.stream.send(bytes(question))
    const other = await waitUntil(() => met[0], { what: 'the stream' })
    assert.equal(other.protocol, '')
    await waitUntil(() => other.text() === new TextDecoder().decode(bytes(question)), { what: 'the bytes' })
    assert.equal(one.text(), '')
  }
})

it('gives a window back, but not for every small frame', async () => {
  const { a, met } = pair(stock(), own([PROTOCOL]))
  const one = watch((await a.createStream()) as Stream)
  let updates = 0
  const inner = one.stream as Stream & { handleWindowUpdate(frame: unknown): void }
  const handle = inner.handleWindowUpdate.bind(one.stream)
  inner.handleWindowUpdate = (frame) => {
    updates++
    handle(frame)
  }
  const total = 4 * 1024 * 1024
  let got = 0
  one.stream.send(bytes(AGREEMENT))
  const other = await waitUntil(() => met[0], { what: 'the stream' })
  other.stream.addEventListener('message', ({ data }) => (got += data.byteLength))
  for (let sent = 0; sent < total; sent += 4 * 1024) one.stream.send(new Uint8Array(4 * 1024))
  await waitUntil(() => got === total, { ms: 10_000, what: 'all bytes' })
  assert.ok(updates > 0 && updates <= total / 16_384, `${updates} updates for ${total / 4096} frames`)
})

it('ends alone when what it runs on was closed meanwhile: nobody waits for a question that goes out by itself', async () => {
  const [left] = multiaddrConnectionPair()
  const one = watch(left)
  Object.assign(left, {
    sendData() {
      throw new MeshError('PATH_LOST', 'the stream below is closed')
    },
  })
  askAhead(left, PROTOCOL)
  await waitUntil(() => one.code() === 'PATH_LOST', { what: 'the end of the connection' })
})
