/** RTCPeerConnection for threads that have none (workers): same surface as the window's, served by an RTC host page over a Port (w3c/webrtc-pc#3131). When the host goes, every connection of it closes at once with the events libp2p waits for. */
import type { Port } from '../../core/port.ts'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { MeshError } from '../../shared/errors.ts'
import { type Log, silentLog } from '../../shared/log.ts'
import { iceCandidate } from './candidate.ts'
import { MAX_QUEUED_TOTAL } from './limits.ts'
import { createSession, type Session } from './session.ts'
import { standInConnection } from './stand-in-connection.ts'

export interface StandIn {
  /** Put these on globalThis before @libp2p/webrtc is imported: it reads them once. */
  readonly RTCPeerConnection: object
  readonly RTCSessionDescription: object
  readonly RTCIceCandidate: object
  /** A page offers itself as host. New connections go to the newest host. The returned function says that the page is gone. */
  attach(port: Port): () => void
  /** True while `new RTCPeerConnection()` can work. */
  available(): boolean
  /** Live connections, over all hosts. */
  size(): number
  /** Sets the three constructors on `scope` where it has none. */
  install(scope: object): void
  close(): void
}

/** `new RTCPeerConnection()` throws NOT_SUPPORTED while no host is attached. */
export function createStandIn(options: { readonly clock?: Clock; readonly log?: Log } = {}): StandIn {
  const { clock = systemClock(), log = silentLog() } = options
  const sessions: Session[] = []
  const queued = () => sessions.reduce((sum, session) => sum + session.queued(), 0)
  const newest = (): Session => {
    const session = sessions.at(-1)
    if (!session) throw new MeshError('NOT_SUPPORTED', 'no page offers WebRTC now')
    return session
  }
  // A constructor function: `new` gives back the object it returns.
  const RTCPeerConnection = Object.assign(
    function RTCPeerConnection(config?: object) {
      return standInConnection(newest(), config)
    },
    { generateCertificate: async (algorithm: unknown) => newest().certificate(algorithm) },
  )
  const constructors = { RTCPeerConnection, RTCSessionDescription: sessionDescription, RTCIceCandidate: iceCandidate }
  const detach = (session: Session) => {
    const index = sessions.indexOf(session)
    if (index < 0) return
    sessions.splice(index, 1)
    log('rtc.host.gone', { connections: session.size() })
    session.end(new MeshError('PATH_LOST', 'the tab that carried this connection is gone'))
  }
  return {
    ...constructors,
    attach(port) {
      const session = createSession({ port, clock, log, room: () => MAX_QUEUED_TOTAL - queued() })
      sessions.push(session)
      log('rtc.host.attached', { hosts: sessions.length })
      return () => detach(session)
    },
    available: () => sessions.length > 0,
    size: () => sessions.reduce((sum, session) => sum + session.size(), 0),
    install(scope) {
      for (const [name, value] of Object.entries(constructors))
        if (!(name in scope)) Object.defineProperty(scope, name, { value, configurable: true, writable: true })
    },
    close() {
      for (const session of [...sessions]) detach(session)
    },
  }
}

/** As RTCSessionDescription: a plain pair. */
function sessionDescription(init: { type: string; sdp?: string }) {
  const pair = { type: init.type, sdp: init.sdp ?? '' }
  return { ...pair, toJSON: () => pair }
}
