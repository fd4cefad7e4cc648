/** The part of the W3C WebRTC API that this transport needs, so that the browser's own object, the worker's stand-in and the Node.js adapter fit alike. Types only: must never touch a global. */

export interface RtcChannel {
  readonly id: number | null
  readonly label: string
  binaryType: string
  readonly readyState: string
  /** Bytes handed to send() that left no buffer yet. */
  readonly bufferedAmount: number
  bufferedAmountLowThreshold: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(): void
  addEventListener(type: string, listener: (event: Event) => void): void
}

export interface RtcDescription {
  readonly type: 'offer' | 'answer'
  readonly sdp: string
}

export interface RtcPeer {
  readonly connectionState: string
  readonly iceConnectionState: string
  readonly localDescription: { readonly sdp: string } | null
  createDataChannel(label: string, options?: { negotiated?: boolean; id?: number }): RtcChannel
  createOffer(): Promise<{ readonly sdp?: string }>
  setLocalDescription(description: RtcDescription): Promise<void>
  setRemoteDescription(description: RtcDescription): Promise<void>
  close(): void
  addEventListener(type: string, listener: (event: Event) => void): void
  removeEventListener(type: string, listener: (event: Event) => void): void
}

export type RtcPeerConstructor = new (configuration: { iceServers: never[] }) => RtcPeer

/** The channel of a 'datachannel' event. */
export function channelOf(event: Event): RtcChannel {
  return (event as Event & { readonly channel: RtcChannel }).channel
}
