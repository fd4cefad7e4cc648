/** A real WebSocket behind weather, in the shape that the websocket transport takes. Either end can be killed without the other hearing of it. */
import { openNodeSocket } from '../../../src/transports/websocket/listener.node.ts'
import { createLane } from './lane.ts'
import type { Random } from './random.ts'
import { goes, type Weather } from './weather.ts'

type RealSocket = ReturnType<typeof openNodeSocket>

export interface FaultySocket {
  /** For the transport. */
  readonly face: RealSocket
  /** Both ends hear that it broke; also frees what is left of a dead one. */
  cut(): void
  /** Ours hears it, the other end keeps what it holds for a live connection. */
  leaveThem(): void
  /** The other end hears it, ours is told nothing. */
  leaveUs(): void
  look(): void
  /** Really ended, on this side. */
  ended(): boolean
}

const [CONNECTING, OPEN, CLOSED] = [0, 1, 3] // WebSocket.readyState, WHATWG

export function openFaulty(url: string, weather: () => Weather, random: Random): FaultySocket {
  const events = new EventTarget()
  const real = openNodeSocket(url)
  real.binaryType = 'arraybuffer'
  let state = CONNECTING
  let mute = false // ours is told nothing more
  const lanes = {
    in: createLane({ way: 'in', weather, random, deliver: (data) => tell('message', { data: data.buffer }) }),
    out: createLane({ way: 'out', weather, random, deliver: (data) => real.readyState === OPEN && real.send(data) }),
  }
  const tell = (type: string, more: object = {}) => {
    if (!mute) events.dispatchEvent(Object.assign(new Event(type), more))
  }
  const broke = (wasClean: boolean) => {
    if (state === CLOSED || mute) return
    state = CLOSED
    tell('close', { wasClean })
    for (const lane of Object.values(lanes)) lane.end()
  }
  const opened = () => {
    // The answer to the first packet is a packet too.
    const { hole, stall } = weather()
    if (state !== CONNECTING || goes(hole, 'in') || goes(hole, 'out') || stall !== 'no') return
    state = OPEN
    tell('open')
  }
  const born = weather()
  real.addEventListener('open', opened)
  real.addEventListener('message', ({ data }) => lanes.in.put(new Uint8Array(data as ArrayBuffer).slice()))
  real.addEventListener('close', ({ wasClean }) => broke(wasClean))
  real.addEventListener('error', () => tell('error'))
  if (born.refuse) queueMicrotask(() => real.terminate?.())

  const face = {
    binaryType: 'nodebuffer',
    get readyState() {
      return state
    },
    get bufferedAmount() {
      return real.bufferedAmount + lanes.out.waiting()
    },
    // A copy: whoever sent it may use the memory again.
    send: (data: Uint8Array<ArrayBuffer>) => lanes.out.put(data.slice()),
    close(code?: number, reason?: string) {
      if (lanes.out.waiting() === 0) real.close(code, reason)
      else real.terminate?.()
    },
    terminate: () => real.terminate?.(),
    pause: () => real.pause?.(),
    resume: () => real.resume?.(),
    addEventListener: (type: string, listen: (event: never) => void) => events.addEventListener(type, listen as EventListener),
  } as RealSocket
  return {
    face,
    cut: () => real.terminate?.(),
    leaveThem: () => broke(false),
    leaveUs() {
      mute = true
      real.terminate?.()
    },
    look() {
      if (real.readyState === OPEN && !goes(born.hole, 'in') && !goes(born.hole, 'out')) opened()
      for (const lane of Object.values(lanes)) lane.look()
    },
    ended: () => real.readyState === CLOSED,
  }
}
