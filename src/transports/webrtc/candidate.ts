/** RTCIceCandidate of the stand-in: the init and what its line says (RFC 8839 §5.1). */
import type { RtcCandidate } from './wire.ts'

/** As RTCIceCandidate: the four members of its init, and the fields of the candidate line that people look at. */
export function iceCandidate(init: Partial<RtcCandidate>) {
  const { candidate = '', sdpMid = null, sdpMLineIndex = null, usernameFragment = null } = init
  if (sdpMid === null && sdpMLineIndex === null) throw new TypeError('sdpMid and sdpMLineIndex are both null')
  // RFC 8839 §5.1: candidate:foundation component protocol priority address port "typ" type
  const [foundation = '', , protocol = '', priority = '0', address = '', port = '0', , type = ''] = candidate
    .replace(/^(a=)?candidate:/, '')
    .split(' ')
  const json = { candidate, sdpMid, sdpMLineIndex, usernameFragment }
  return { ...json, foundation, protocol: protocol.toLowerCase(), priority: Number(priority), address, port: Number(port), type, toJSON: () => json }
}
