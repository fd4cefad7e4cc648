/** One real RTCDataChannel of the RTC host: sends, reports what has left, and closes a channel whose worker does not read. */
import { discard } from '../../shared/spent.ts'
import { DISCARD_FROM, MAX_UNREAD, REPORT_DELAY, REPORT_STEP } from './limits.ts'
import type { Outbox } from './outbox.ts'
import { type RtcChannelInfo, sizeOf, type ToStandIn } from './wire.ts'

export interface HostChannel {
  send(data: ArrayBuffer | string): void
  /** Tell the worker what has left since the last report; once after each batch. */
  report(): void
  /** The worker took `bytes`. */
  read(bytes: number): void
  close(): void
}

/** `onGone` is called once, when the channel has closed. */
export function hostChannel(channel: RTCDataChannel, ch: number, out: Outbox<ToStandIn>, onGone: () => void): HostChannel {
  let accepted = 0
  let reported = 0
  let unread = 0
  let due = false
  channel.binaryType = 'arraybuffer'

  const tellDrained = () => {
    due = false
    const bytes = accepted - channel.bufferedAmount - reported
    if (bytes <= 0) return
    reported += bytes
    out.push({ op: 'drained', ch, bytes })
  }
  const report = () => {
    // The event fires when the amount falls through the threshold, so the threshold walks down with it.
    channel.bufferedAmountLowThreshold = Math.max(0, channel.bufferedAmount - REPORT_STEP)
    if (accepted - channel.bufferedAmount - reported >= REPORT_STEP) tellDrained()
    else if (!due) {
      due = true
      setTimeout(tellDrained, REPORT_DELAY)
    }
  }
  const tell = (error?: { name: string; message: string }) =>
    out.push({ op: 'channel-state', ch, readyState: channel.readyState, id: channel.id, ...(error ? { error } : {}) })

  channel.addEventListener('open', () => tell())
  channel.addEventListener('closing', () => tell())
  channel.addEventListener('error', ({ error }) => tell({ name: error.name, message: error.message }))
  channel.addEventListener('close', () => {
    tell()
    onGone()
  })
  channel.addEventListener('bufferedamountlow', report)
  channel.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    unread += sizeOf(data)
    if (unread > MAX_UNREAD) {
      tell({ name: 'QuotaExceededError', message: `${unread} bytes were not read` })
      channel.close()
      return
    }
    out.push({ op: 'message', ch, data }, typeof data === 'string' ? undefined : data)
  })
  return {
    send(data) {
      const size = sizeOf(data)
      if (channel.readyState !== 'open') return
      try {
        if (typeof data === 'string') channel.send(data)
        else channel.send(data)
        accepted += size
        if (typeof data !== 'string' && size >= DISCARD_FROM) discard(data)
      } catch (error) {
        tell({ name: (error as Error).name, message: (error as Error).message })
        channel.close()
      }
    },
    report,
    read(bytes) {
      unread = Math.max(0, unread - bytes)
    },
    close: () => channel.close(),
  }
}

/** What the stand-in needs to know of a channel. */
export function channelInfo(channel: RTCDataChannel): RtcChannelInfo {
  const { id, label, protocol, ordered, negotiated, readyState } = channel
  return { id, label, protocol, ordered, negotiated, readyState }
}
