/** One RTCPeerConnection of the stand-in: state mirrored from the host, events in the host's order, calls answered by it. */
import { MeshError } from '../../shared/errors.ts'
import { iceCandidate } from './candidate.ts'
import { eventOf, withHandlers } from './emitter.ts'
import { createReport, type ReportWatch } from './report.ts'
import type { ConnectionSide, Session, StandInCertificate } from './session.ts'
import { type StandInChannel, standInChannel } from './stand-in-channel.ts'
import { type RtcCall, type RtcChannelInfo, type RtcChannelInit, type RtcConfig, type RtcState, STATE_EVENTS } from './wire.ts'

/** RTCConfiguration as libp2p passes it. `watch` is ours: told how the attempt goes. */
export interface StandInConfig extends Omit<RtcConfig, 'certificates'> {
  readonly certificates?: readonly StandInCertificate[]
  readonly watch?: ReportWatch
}

const EVENTS = [...STATE_EVENTS, 'icecandidate', 'icecandidateerror', 'datachannel', 'close'] as const

const NEW: RtcState = {
  connectionState: 'new',
  iceConnectionState: 'new',
  iceGatheringState: 'new',
  signalingState: 'stable',
  localDescription: null,
  remoteDescription: null,
}
const CLOSED = { connectionState: 'closed', iceConnectionState: 'closed', signalingState: 'closed' } as const

export function standInConnection(session: Session, config: StandInConfig = {}): EventTarget {
  const { certificates, watch, ...rest } = config
  const report = createReport(watch)
  const target = withHandlers(new EventTarget(), EVENTS)
  const channels = new Set<StandInChannel>()
  let state = NEW
  const isOpen = () => state.connectionState !== 'closed'

  /** Local close() and a lost host look the same to the channels; only the latter is an event on the connection. */
  const finish = (error: MeshError, tell: boolean) => {
    if (!isOpen()) return
    state = { ...state, ...CLOSED }
    session.dropConnection(pc)
    report.onState('closed', error.code)
    // Later, as a real connection does: the caller of close() is still at work.
    queueMicrotask(() => {
      for (const channel of [...channels]) channel.end(error)
      if (tell) target.dispatchEvent(eventOf('connectionstatechange'))
      target.dispatchEvent(eventOf('close'))
    })
  }
  const addChannel = (ch: number, info: RtcChannelInfo): StandInChannel => {
    const onGone = () => {
      channels.delete(made)
      session.dropChannel(ch)
    }
    const made = standInChannel({ ch, ...info, out: session.out, room: session.room, onGone })
    channels.add(made)
    return made
  }
  const side: ConnectionSide = {
    onState(next, event) {
      if (!isOpen()) return
      state = next
      if (event) report.onState(next.connectionState)
      if (event) target.dispatchEvent(eventOf(event))
    },
    onMessage(message) {
      if (!isOpen()) return
      if (message.op === 'candidate') {
        report.onLocal(message.candidate?.candidate)
        target.dispatchEvent(eventOf('icecandidate', { candidate: message.candidate && iceCandidate(message.candidate) }))
      } else if (message.op === 'candidate-error') {
        report.onError(`${message.errorCode} ${message.errorText}`)
        target.dispatchEvent(eventOf('icecandidateerror', message))
      } else {
        const made = addChannel(message.ch, message.info)
        session.adoptChannel(message.ch, made)
        target.dispatchEvent(eventOf('datachannel', { channel: made.channel }))
      }
    },
    end: (error) => finish(error, true),
  }
  const pc = session.addConnection(side)
  session.out.push({
    op: 'open',
    pc,
    config: { ...rest, ...(certificates ? { certificates: certificates.map(({ certificateId }) => certificateId) } : {}) },
  })

  const call = (name: RtcCall, ...args: readonly unknown[]) =>
    isOpen() ? session.call(pc, name, args) : Promise.reject(new MeshError('CLOSED', 'the connection is closed'))
  const surface = {
    createOffer: (options?: object) => call('createOffer', options),
    createAnswer: () => call('createAnswer'),
    setLocalDescription: (description?: object) => call('setLocalDescription', description && plain(description)),
    setRemoteDescription: (description: object) => call('setRemoteDescription', plain(description)),
    addIceCandidate(candidate?: object) {
      const init = candidate && plain(candidate)
      report.onRemote((init as { candidate?: string } | undefined)?.candidate)
      return call('addIceCandidate', init)
    },
    getStats: async () => new Map(((await call('getStats')) as { id: string }[]).map((entry) => [entry.id, entry])),
    createDataChannel(label: string, init: RtcChannelInit = {}) {
      if (!isOpen()) throw new MeshError('CLOSED', 'the connection is closed')
      const { ordered = true, negotiated = false, protocol = '', id = null } = init
      const made = session.addChannel((ch) => {
        session.out.push({ op: 'channel', pc, ch, label, init: { ...init } })
        return addChannel(ch, { id: negotiated ? id : null, label, protocol, ordered, negotiated, readyState: 'connecting' })
      })
      return made.channel
    },
    getConfiguration: () => ({ ...rest }),
    close() {
      if (!isOpen()) return
      session.out.push({ op: 'close', pc })
      finish(new MeshError('PATH_LOST', 'the connection was closed'), false)
    },
  }
  Object.defineProperties(target, Object.fromEntries(Object.entries(surface).map(([name, value]) => [name, { value }])))
  mirror(target, () => state)
  return target
}

/** The attributes of RTCPeerConnection, read from the newest state that the host told. */
function mirror(target: EventTarget, state: () => RtcState): void {
  const names = ['connectionState', 'iceConnectionState', 'iceGatheringState', 'signalingState', 'localDescription', 'remoteDescription'] as const
  for (const name of names) Object.defineProperty(target, name, { get: () => state()[name], enumerable: true })
  const sctp = () => {
    const { maxMessageSize, connectionState } = state()
    return maxMessageSize === undefined ? null : { maxMessageSize, state: connectionState }
  }
  Object.defineProperties(target, { canTrickleIceCandidates: { value: true }, sctp: { get: sctp, enumerable: true } })
}

/** What can be cloned: the stand-in's own objects carry functions. */
function plain(value: object): object {
  const json = (value as { toJSON?: () => object }).toJSON
  return typeof json === 'function' ? json() : Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field !== 'function'))
}
