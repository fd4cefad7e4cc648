/** What the hop server's two request handlers share, as types. */
import type { Connection } from '@libp2p/interface'
import type { Decide, Decision, Who } from '../../core/access.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import type { HopComponents } from './components.ts'
import type { Ledger } from './ledger.ts'
import type { HopQuotas } from './limits.ts'
import type { MessageStream } from './message-stream.ts'
import type { Refusal } from './refusal.ts'
import type { ReservationTable } from './reservations.ts'
import type { HopMessage } from './wire.ts'

export interface HopState {
  readonly components: HopComponents
  readonly quotas: HopQuotas
  readonly clock: Clock
  readonly log: Log
  readonly decide: Decide
  /** False when the uses of the row that answered are used up. */
  readonly spend: (decision: Decision) => Promise<boolean>
  readonly ledger: Ledger
  readonly reservations: ReservationTable
  who(peer: string): Who
  prefix(connection: Connection): string
  refuse(refused: Refusal): Refusal
  draining(): boolean
}

export interface HopRequest {
  readonly message: HopMessage
  readonly messages: MessageStream
  readonly connection: Connection
  readonly signal: AbortSignal
}
