/** Locks without Web Locks: the holder answers questions on a BroadcastChannel and says goodbye when it can, questions without answers mean death, a claim that nobody objects to wins. Message handlers run even in tabs whose timers are throttled. Two holders after a sleep are told apart: the newer stays. */
import { abortable, sleep } from '../shared/async.ts'
import type { Clock } from '../shared/clock.ts'
import { MeshError } from '../shared/errors.ts'
import { LOCK_ASK_INTERVAL, LOCK_ASKS, LOCK_CLAIM } from './limits.ts'
import type { HeldLock, Locks } from './locks.ts'

type LockMessage =
  | { readonly t: 'ask'; readonly name: string; readonly id: string }
  | { readonly t: 'held'; readonly name: string; readonly id: string; readonly since: number }
  | { readonly t: 'claim'; readonly name: string; readonly id: string }
  | { readonly t: 'free'; readonly name: string }

/** A BroadcastChannel, or anything that reaches all others and not itself. */
export interface BroadcastPort {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listen: (event: { readonly data: unknown }) => void): void
  close(): void
}

interface Holding {
  readonly id: string
  readonly since: number
  readonly lost: AbortController
}

/** The channel belongs to the locks. `makeId` gives unique texts. */
export function broadcastLocks(channel: BroadcastPort, clock: Clock, makeId: () => string): Locks {
  const held = new Map<string, Holding>()
  const listeners = new Set<(message: LockMessage) => void>()
  const post = (message: LockMessage) => {
    channel.postMessage(message)
    // Others in this very thread compete too.
    receive(message)
  }
  const receive = (message: LockMessage) => {
    const own = held.get(message.name)
    if (own) hear(message, own)
    for (const listen of [...listeners]) listen(message)
  }
  /** What others say of a name that is held here. */
  const hear = (message: LockMessage, own: Holding) => {
    const { name } = message
    if (message.t === 'free') lose(name, own, new MeshError('CLOSED', `the page that ${name} is held for went away`))
    else if (message.id === own.id) return
    else if (message.t === 'held' && message.since > own.since) lose(name, own, new MeshError('OLD_INSTANCE', `another took over ${name}`))
    else answer(name, own)
  }
  /** Somebody said that this thread is ended, or took over: it must object no more, however long it still runs. */
  const lose = (name: string, own: Holding, why: MeshError) => {
    held.delete(name)
    own.lost.abort(why)
  }
  const answer = (name: string, { id, since }: Holding) => {
    const message: LockMessage = { t: 'held', name, id, since }
    channel.postMessage(message)
    for (const listen of [...listeners]) listen(message)
  }
  channel.addEventListener('message', ({ data }) => receive(data as LockMessage))

  /**
   * Resolves when nobody holds it: at once on 'free', else when LOCK_ASKS questions in a row went unanswered, each for LOCK_ASK_INTERVAL ms at least. Time alone is no
   * sign of death: in a background tab, whose timers come once a minute, every holder would look silent for long.
   */
  const gone = async (name: string, signal?: AbortSignal): Promise<void> => {
    let unanswered = 0
    let free = false
    let wake: (() => void) | undefined
    const listen = (message: LockMessage) => {
      if (message.name !== name) return
      if (message.t === 'held') unanswered = 0
      if (message.t !== 'free') return
      free = true
      wake?.()
    }
    listeners.add(listen)
    try {
      while (!free && unanswered < LOCK_ASKS) {
        unanswered++
        post({ t: 'ask', name, id: '' })
        const woken = new Promise<void>((resolve) => (wake = resolve))
        await abortable(Promise.race([sleep(clock, LOCK_ASK_INTERVAL), woken]), signal)
      }
    } finally {
      listeners.delete(listen)
    }
  }
  /** 'won' when nobody held it and nobody with a smaller id claimed it meanwhile; 'freed' when who objected let go before the claim was over: gone() would wait in vain for that. */
  const claim = async (name: string, id: string, signal?: AbortSignal): Promise<'won' | 'beaten' | 'freed'> => {
    let outcome: 'won' | 'beaten' | 'freed' = 'won'
    const freed = Promise.withResolvers<void>()
    const listen = (message: LockMessage) => {
      if (message.name !== name) return
      if (message.t === 'free') {
        if (outcome === 'won') return
        outcome = 'freed'
        freed.resolve()
      } else if (message.t === 'held' || (message.t === 'claim' && message.id < id)) outcome = 'beaten'
      // Who claims later must hear of this claim too.
      else if (message.t === 'claim' && message.id > id) channel.postMessage({ t: 'claim', name, id })
    }
    listeners.add(listen)
    try {
      post({ t: 'claim', name, id })
      await abortable(Promise.race([sleep(clock, LOCK_CLAIM), freed.promise]), signal)
    } finally {
      listeners.delete(listen)
    }
    return outcome
  }
  const keep = (name: string, id: string): HeldLock => {
    const holding: Holding = { id, since: clock.now(), lost: new AbortController() }
    held.set(name, holding)
    answer(name, holding)
    return {
      lost: holding.lost.signal,
      release() {
        if (held.get(name) !== holding) return
        held.delete(name)
        post({ t: 'free', name })
      },
    }
  }
  return {
    gone,
    endWithThread: false,
    async hold(name, signal) {
      const id = makeId()
      for (;;) {
        const outcome = await claim(name, id, signal)
        if (outcome === 'won') return keep(name, id)
        if (outcome === 'beaten') await gone(name, signal)
      }
    },
    take: async (name) => keep(name, makeId()),
    freed: (name) => post({ t: 'free', name }),
    close() {
      for (const name of held.keys()) channel.postMessage({ t: 'free', name })
      held.clear()
      channel.close()
    },
  }
}
