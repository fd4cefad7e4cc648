/** Messages between the RTC host (page) and its stand-in (worker), in batches over one Port. Only between our own threads; never across origins. */
import { toUtf8 } from '../../shared/bytes.ts'

/** RTCConfiguration without what cannot cross: certificates are named by number. */
export interface RtcConfig {
  readonly iceServers?: readonly { readonly urls: string | readonly string[]; readonly username?: string; readonly credential?: string }[]
  readonly iceTransportPolicy?: 'all' | 'relay'
  readonly certificates?: readonly number[]
}

export interface RtcDescription {
  readonly type: string
  readonly sdp: string
}

export interface RtcCandidate {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
  readonly usernameFragment: string | null
}

export interface RtcState {
  readonly connectionState: string
  readonly iceConnectionState: string
  readonly iceGatheringState: string
  readonly signalingState: string
  readonly localDescription: RtcDescription | null
  readonly remoteDescription: RtcDescription | null
  /** Undefined before the SCTP transport exists. */
  readonly maxMessageSize?: number
}

export interface RtcChannelInit {
  readonly ordered?: boolean
  readonly negotiated?: boolean
  readonly id?: number
  readonly protocol?: string
  readonly maxRetransmits?: number
  readonly maxPacketLifeTime?: number
}

export interface RtcChannelInfo {
  readonly id: number | null
  readonly label: string
  readonly protocol: string
  readonly ordered: boolean
  readonly negotiated: boolean
  readonly readyState: string
}

export interface RtcFingerprint {
  readonly algorithm: string
  readonly value: string
}

/** Methods of RTCPeerConnection that answer with a promise. */
export type RtcCall = 'createOffer' | 'createAnswer' | 'setLocalDescription' | 'setRemoteDescription' | 'addIceCandidate' | 'getStats'

/** Events of RTCPeerConnection that carry nothing but the new state. */
export const STATE_EVENTS = [
  'connectionstatechange',
  'iceconnectionstatechange',
  'icegatheringstatechange',
  'signalingstatechange',
  'negotiationneeded',
] as const

/** `pc` and `call` are numbered by the worker; `ch` by the worker upwards from 1, by the host downwards from -1. */
export type ToHost =
  | { readonly op: 'open'; readonly pc: number; readonly config: RtcConfig }
  | { readonly op: 'call'; readonly pc: number; readonly call: number; readonly name: RtcCall; readonly args: readonly unknown[] }
  | { readonly op: 'certificate'; readonly call: number; readonly algorithm: unknown }
  | { readonly op: 'channel'; readonly pc: number; readonly ch: number; readonly label: string; readonly init: RtcChannelInit }
  | { readonly op: 'send'; readonly ch: number; readonly data: ArrayBuffer | string }
  | { readonly op: 'read'; readonly ch: number; readonly bytes: number }
  | { readonly op: 'close-channel'; readonly ch: number }
  | { readonly op: 'close'; readonly pc: number }

export interface RtcFault {
  readonly name: string
  readonly message: string
}

export type ToStandIn =
  | {
      readonly op: 'reply'
      readonly call: number
      readonly pc?: number
      readonly value?: unknown
      readonly error?: RtcFault
      readonly state?: RtcState
    }
  | { readonly op: 'state'; readonly pc: number; readonly event: string; readonly state: RtcState }
  | { readonly op: 'candidate'; readonly pc: number; readonly candidate: RtcCandidate | null }
  | { readonly op: 'candidate-error'; readonly pc: number; readonly url: string; readonly errorCode: number; readonly errorText: string }
  | { readonly op: 'channel'; readonly pc: number; readonly ch: number; readonly info: RtcChannelInfo }
  | { readonly op: 'channel-state'; readonly ch: number; readonly readyState: string; readonly id: number | null; readonly error?: RtcFault }
  | { readonly op: 'message'; readonly ch: number; readonly data: ArrayBuffer | string }
  | { readonly op: 'drained'; readonly ch: number; readonly bytes: number }
  // The connection could not be made, or is over.
  | { readonly op: 'refused'; readonly pc: number; readonly error: RtcFault }

/** Bytes a message counts for, as RTCDataChannel.bufferedAmount does: strings as UTF-8. */
export function sizeOf(data: ArrayBuffer | string): number {
  return typeof data === 'string' ? toUtf8(data).byteLength : data.byteLength
}
