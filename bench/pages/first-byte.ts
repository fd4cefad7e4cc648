/** B8: what each side does in its page from the first line of its document on. These functions are given to the page as text, so they must use no import. Each leaves `globalThis.firstByte`: ms since the navigation started. */

interface FirstByte {
  firstByte: Promise<number>
}

/** Ours: as soon as the page offers the API, wait for a place on the relay and ask the peer's echo for one byte. */
export function oursFirst(peer: string): void {
  type Stream = { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array>; abort(): void }
  type Api = {
    ready: Promise<void>
    state: { status: string }
    open(peer: string, protocol: string): Promise<Stream>
    addEventListener(type: string, listen: () => void): void
  }
  const scope = globalThis as unknown as FirstByte & { dmesh: Api }
  const ask = async (mesh: Api): Promise<number> => {
    await mesh.ready
    const placed = () => mesh.state.status === 'relayed' || mesh.state.status === 'direct'
    const place = new Promise<void>((resolve) => mesh.addEventListener('statechange', () => placed() && resolve()))
    if (!placed()) await place
    const stream = await mesh.open(peer, '/dmesh/echo/1.0.0')
    await stream.writable.getWriter().write(new Uint8Array(1))
    await stream.readable.getReader().read()
    const time = performance.now()
    stream.abort()
    return time
  }
  scope.firstByte = new Promise((resolve, reject) => {
    Object.defineProperty(globalThis, 'dmesh', {
      configurable: true,
      set(mesh: Api) {
        Object.defineProperty(globalThis, 'dmesh', { value: mesh, configurable: true, writable: true })
        ask(mesh).then(resolve, reject)
      },
    })
  })
}

/** js-libp2p: the same, with the dial that its documentation gives for browser to browser. */
export function stockFirst([relay, peer]: readonly [string, string]): void {
  type Stock = { dial(peer: string): Promise<string>; requests(peer: string, count: number): Promise<number[]> }
  const scope = globalThis as unknown as FirstByte
  const ask = async (start: (relay: string) => Promise<Stock>): Promise<number> => {
    const mine = await start(relay)
    await mine.dial(peer)
    await mine.requests(peer, 1)
    return performance.now()
  }
  scope.firstByte = new Promise((resolve, reject) => {
    Object.defineProperty(globalThis, 'startStock', { configurable: true, set: (start) => void ask(start).then(resolve, reject) })
  })
}

/** The limit: nothing but one RTCPeerConnection, its descriptions and candidates over one bare WebSocket. `first` = the page that is timed. */
export function rawFirst([url, first]: readonly [string, boolean]): void {
  const socket = new WebSocket(url)
  socket.binaryType = 'arraybuffer'
  const pc = new RTCPeerConnection()
  const channel = pc.createDataChannel('first', { negotiated: true, id: 0 })
  const post = (value: unknown) => socket.send(new TextEncoder().encode(JSON.stringify(value)))
  const early: unknown[] = []
  let described = false
  pc.onicecandidate = ({ candidate }) => {
    if (!candidate) return
    if (described) post({ candidate })
    else early.push({ candidate })
  }
  const describe = async () => {
    await pc.setLocalDescription()
    post({ description: pc.localDescription })
    described = true
    for (const one of early) post(one)
  }
  socket.onmessage = async ({ data }) => {
    if (data === 'go') return first ? describe() : undefined
    const { description, candidate } = JSON.parse(new TextDecoder().decode(data as ArrayBuffer))
    if (candidate) return pc.addIceCandidate(candidate)
    await pc.setRemoteDescription(description)
    if (!first) await describe()
  }
  ;(globalThis as unknown as FirstByte).firstByte = new Promise((resolve) => {
    channel.onopen = () => first && channel.send('?')
    channel.onmessage = ({ data }) => {
      if (!first) channel.send(data)
      resolve(performance.now())
    }
  })
}
