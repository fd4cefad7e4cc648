/** HTTP part of the Mesh contract: fetch and serve as the web platform has them, over the mesh. Uses web platform APIs alone. */
import type { Mesh } from '../../src/core/mesh.ts'
import { check, codeFrom, equal, type MeshCase, type MeshContext, within } from './mesh-checks.ts'
import { sha256 } from './stream-bytes.ts'

const MIB = 1024 * 1024

export const HTTP_CASES: readonly MeshCase[] = [
  { name: 'fetch() gets what serve() answers: status, fields, body, who asks', run: plain },
  { name: 'fetch() and serve() stream 3 MiB both ways, equal by SHA-256', run: streams },
  { name: 'a body comes while the handler still writes it', run: early },
  { name: 'fetch() sends forms, methods and conditional fields as they are', run: forms },
  { name: 'redirects are followed within the peer, and not out of it', run: redirects },
  { name: 'aborting a fetch tells the handler, and the body errors', run: aborting },
  { name: 'a handler that throws answers 500, and serves on', run: throwing },
  { name: 'a named service is another one; one that is not there fails with UNKNOWN_PROTOCOL', run: named },
  { name: 'fetch() refuses what is no dmesh address', run: addresses },
]

/** Serves until the case is over. */
async function serving<T>(
  b: Mesh,
  fetch: (request: Request, context: { readonly peer: string }) => Response | Promise<Response>,
  use: (url: string) => Promise<T>,
  name?: string,
): Promise<T> {
  const stop = new AbortController()
  try {
    await b.serve({ fetch }, { signal: stop.signal, allow: 'mesh', name })
    return await within(use(`dmesh://${b.peer}${name ? `-${name}` : ''}`), 'the exchange')
  } finally {
    stop.abort()
  }
}

async function plain({ a, b }: MeshContext): Promise<void> {
  const fetch = (request: Request, { peer }: { readonly peer: string }) => {
    const { pathname, search, host } = new URL(request.url)
    return Response.json(
      { peer, method: request.method, pathname, search, host, cookie: request.headers.get('cookie') },
      { status: 201, headers: { 'x-mine': 'yes' } },
    )
  }
  await serving(b, fetch, async (url) => {
    const response = await a.fetch(`${url}/path/%20?q=1#not-sent`, { headers: { cookie: 'a=1; b=2' } })
    equal(response.status, 201, 'status')
    equal(response.headers.get('x-mine'), 'yes', 'x-mine')
    equal(response.url, `${url}/path/%20?q=1`, 'url')
    check(response.headers.has('date'), 'an answer has a date')
    const told = (await response.json()) as Record<string, string>
    equal(told.peer, a.peer, 'who asks')
    equal(`${told.method} ${told.pathname}${told.search}`, 'GET /path/%20?q=1', 'the request')
    equal(told.host, `${b.state.names.cid}.p2p`, 'the host is the key in base36')
    equal(told.cookie, 'a=1; b=2', 'a field that scripts of a page could not set')
    const head = await a.fetch(`${url}/`, { method: 'HEAD' })
    equal(`${head.status} ${(await head.text()).length}`, '201 0', 'HEAD')
  })
}

async function streams({ a, b }: MeshContext): Promise<void> {
  const sent = new Uint8Array(3 * MIB)
  for (let at = 0; at < sent.byteLength; at += 65_536) crypto.getRandomValues(sent.subarray(at, at + 65_536))
  const source = () => {
    let at = 0
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (at >= sent.byteLength) return controller.close()
        controller.enqueue(sent.slice(at, at + 100_000))
        at += 100_000
      },
    })
  }
  await serving(
    b,
    (request) => new Response(request.body, { headers: { 'content-type': 'application/x-echo' } }),
    async (url) => {
      const streamed = await a.fetch(`${url}/`, { method: 'POST', body: source(), duplex: 'half' } as RequestInit)
      equal(await sha256(new Uint8Array(await streamed.arrayBuffer())), await sha256(sent), 'a stream, in chunks')
      const whole = await a.fetch(`${url}/`, { method: 'PUT', body: sent })
      equal(await sha256(new Uint8Array(await whole.arrayBuffer())), await sha256(sent), 'bytes, by length')
    },
  )
}

async function early({ a, b }: MeshContext): Promise<void> {
  const { promise: go, resolve } = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode('first '))
      await go
      controller.enqueue(new TextEncoder().encode('second'))
      controller.close()
    },
  })
  await serving(
    b,
    () => new Response(body),
    async (url) => {
      const response = await a.fetch(url)
      const reader = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(new TextDecoderStream()).getReader()
      equal((await reader.read()).value, 'first ', 'what came before the end')
      resolve()
      equal((await reader.read()).value, 'second', 'what came after')
      check((await reader.read()).done, 'the end')
    },
  )
}

async function forms({ a, b }: MeshContext): Promise<void> {
  const fetch = async (request: Request) => {
    const form = request.headers.get('content-type')?.startsWith('multipart/') ? [...(await request.formData()).keys()].join() : await request.text()
    return new Response(`${request.method} ${form} ${request.headers.get('range')} ${request.headers.get('content-length') !== null}`)
  }
  await serving(b, fetch, async (url) => {
    const form = new FormData()
    form.set('name', 'value')
    form.set('file', new Blob(['content']), 'a.txt')
    equal(await (await a.fetch(url, { method: 'POST', body: form })).text(), 'POST name,file null true', 'a form')
    equal(
      await (await a.fetch(url, { method: 'patch', body: 'text' })).text(),
      'patch text null true',
      'methods but the common ones keep their letters',
    )
    equal(await (await a.fetch(url, { headers: { range: 'bytes=1-2' } })).text(), 'GET  bytes=1-2 false', 'Range')
    const request = new Request(`${url}/`, { method: 'POST', body: 'of a Request' })
    equal((await (await a.fetch(request)).text()).slice(0, 17), 'POST of a Request', 'a Request')
  })
}

async function redirects({ a, b }: MeshContext): Promise<void> {
  const fetch = (request: Request) => {
    const { pathname, origin } = new URL(request.url)
    if (pathname === '/relative') return new Response(null, { status: 302, headers: { location: 'end?x=1' } })
    if (pathname === '/absolute') return new Response(null, { status: 303, headers: { location: `${origin}/end` } })
    if (pathname === '/out') return new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/' } })
    if (pathname === '/loop') return new Response(null, { status: 307, headers: { location: '/loop' } })
    return new Response(`${request.method} ${request.url.slice(origin.length)}`)
  }
  await serving(b, fetch, async (url) => {
    const relative = await a.fetch(`${url}/relative`)
    equal(await relative.text(), 'GET /end?x=1', 'relative')
    equal(relative.url, `${url}/end?x=1`, 'its url')
    equal(await (await a.fetch(`${url}/absolute`, { method: 'POST', body: 'x' })).text(), 'GET /end', '303 makes a GET')
    equal((await a.fetch(`${url}/relative`, { redirect: 'manual' })).status, 302, 'manual')
    equal(await codeFrom(a.fetch(`${url}/out`)), 'NOT_SUPPORTED', 'out of the peer')
    equal(await codeFrom(a.fetch(`${url}/relative`, { redirect: 'error' })), 'BAD_ARGUMENT', 'error')
    equal(await codeFrom(a.fetch(`${url}/loop`)), 'LIMIT_REACHED', 'for ever')
  })
}

async function aborting({ a, b }: MeshContext): Promise<void> {
  const told = Promise.withResolvers<void>()
  const fetch = (request: Request) => {
    request.signal.addEventListener('abort', () => told.resolve(), { once: true })
    return new Response(new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (controller) => controller.enqueue(new Uint8Array(10)) }))
  }
  await serving(b, fetch, async (url) => {
    const stop = new AbortController()
    const response = await a.fetch(url, { signal: stop.signal })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    equal((await reader.read()).value?.byteLength, 10, 'bytes before')
    const next = codeFrom(reader.read())
    stop.abort()
    check((await next) !== 'nothing', 'the body errors')
    await told.promise
    const early = new AbortController()
    early.abort()
    equal(await codeFrom(a.fetch(url, { signal: early.signal })), 'ABORTED', 'a signal that fired before')
  })
}

async function throwing({ a, b }: MeshContext): Promise<void> {
  const fetch = (request: Request) => {
    if (request.url.endsWith('/bad')) throw new Error('a secret')
    return new Response('good')
  }
  await serving(b, fetch, async (url) => {
    const bad = await a.fetch(`${url}/bad`)
    equal(bad.status, 500, 'status')
    check(!(await bad.text()).includes('secret'), 'the reason stays here')
    equal(await (await a.fetch(`${url}/`)).text(), 'good', 'the next request')
  })
}

async function named({ a, b }: MeshContext): Promise<void> {
  await serving(
    b,
    () => new Response('main'),
    async (url) => {
      await serving(
        b,
        ({ url: asked }) => new Response(new URL(asked).host),
        async (photos) => {
          const host = await (await a.fetch(photos)).text()
          check(/^[0-9a-z]{50}-photos\.p2p$/.test(host), `its own host: ${host}`)
          equal(await (await a.fetch(`dmesh://${host.replace('.p2p', '')}/`)).text(), host, 'by its label')
          equal(await (await a.fetch(url)).text(), 'main', 'the main one')
        },
        'photos',
      )
    },
  )
  equal(await codeFrom(a.fetch(`dmesh://${b.peer}-absent/`)), 'UNKNOWN_PROTOCOL', 'absent')
  equal(await codeFrom(b.serve({ fetch: () => new Response() }, { name: 'Not a name' })), 'BAD_ARGUMENT', 'a bad name')
}

async function addresses({ a, b }: MeshContext): Promise<void> {
  for (const address of [
    'https://example.com/',
    `dmesh://${b.peer}:80/`,
    `dmesh://user@${b.peer}/`,
    'dmesh://nobody/',
    `dmesh://${b.peer}-UPPER/`,
    'not an address',
    '',
  ]) {
    equal(await codeFrom(a.fetch(address)), 'BAD_ARGUMENT', address)
  }
  equal(await codeFrom(a.fetch(`dmesh://${b.peer}/`, { method: 'CONNECT' })), 'BAD_ARGUMENT', 'CONNECT')
  equal(await codeFrom(a.fetch(`dmesh://${b.peer}/`, { body: 'x' })), 'BAD_ARGUMENT', 'a GET with a body')
}
