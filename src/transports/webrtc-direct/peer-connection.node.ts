/** node-datachannel with the shape of the browser's RTCPeerConnection, including "munged" ICE credentials, which the native side takes as arguments. Must never hand it a credential that is not ICE-safe: that ends the process. */
import { PeerConnection } from 'node-datachannel'
import { RTCPeerConnection as Polyfill } from 'node-datachannel/polyfill'
import { MeshError } from '../../shared/errors.ts'
import type { DirectCertificate } from './certificate.node.ts'
import { MAX_MESSAGE } from './limits.ts'
import type { RtcDescription, RtcPeer, RtcPeerConstructor } from './rtc.ts'
import { type Inferred, offerSdp, parseFingerprint, randomIceChars, type Site, sdpAttribute } from './wire.ts'

const SAFE_UFRAG = /^[A-Za-z0-9+/]{4,256}$/
const SAFE_PASSWORD = /^[A-Za-z0-9+/]{22,256}$/

/** For dialling: `createWebRtcDirect({ RTCPeerConnection: nodePeerConnection })`. */
export const nodePeerConnection: RtcPeerConstructor = function () {
  const native = new PeerConnection('dmesh', { iceServers: [], disableAutoNegotiation: true, maxMessageSize: MAX_MESSAGE })
  const peer = wrap(native)
  return Object.assign(peer, {
    createOffer: async () => ({ type: 'offer', sdp: `a=ice-ufrag:${randomIceChars(8)}\r\na=ice-pwd:${randomIceChars(32)}\r\n` }),
    setLocalDescription: async ({ type, sdp }: RtcDescription) =>
      setLocal(native, type, sdpAttribute(sdp, 'ice-ufrag'), sdpAttribute(sdp, 'ice-pwd')),
  })
} as unknown as RtcPeerConstructor // TypeScript knows only classes behind `new`

export interface AcceptedPeer {
  readonly peer: RtcPeer
  /** SHA-256 of the dialer's certificate; only after DTLS is up. */
  remoteFingerprint(): Uint8Array<ArrayBuffer>
}

/** The listener's half of a dial that was inferred from a STUN request. Call `negotiate` once channel 0 exists. */
export function acceptPeer(certificate: DirectCertificate, listening: Site, dialer: Site, inferred: Inferred): AcceptedPeer & { negotiate(): void } {
  const native = new PeerConnection('dmesh', {
    iceServers: [],
    disableAutoNegotiation: true,
    // Noise proves the dialer; DTLS cannot, its certificate is not known beforehand.
    disableFingerprintVerification: true,
    enableIceUdpMux: true,
    // One process may hold several listeners: the range picks ours.
    portRangeBegin: listening.port,
    portRangeEnd: listening.port,
    bindAddress: listening.host,
    certificatePemFile: certificate.certificate,
    keyPemFile: certificate.privateKey,
    maxMessageSize: MAX_MESSAGE,
  })
  return {
    peer: wrap(native),
    remoteFingerprint() {
      const { algorithm, value } = native.remoteFingerprint()
      return parseFingerprint(algorithm, value)
    },
    negotiate() {
      native.setRemoteDescription(offerSdp(dialer, inferred.client), 'offer')
      setLocal(native, 'answer', inferred.server.ufrag, inferred.server.pwd)
    },
  }
}

function wrap(native: PeerConnection): RtcPeer {
  return new Polyfill({ peerConnection: native, iceServers: [] }) as RtcPeer
}

function setLocal(native: PeerConnection, type: 'offer' | 'answer', ufrag = '', pwd = ''): void {
  if (!SAFE_UFRAG.test(ufrag) || !SAFE_PASSWORD.test(pwd)) throw new MeshError('BAD_ARGUMENT', 'ICE credentials are not ICE-safe')
  native.setLocalDescription(type, { iceUfrag: ufrag, icePwd: pwd })
}
