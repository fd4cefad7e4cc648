/** A send between terminal peers goes on where it was when the receiver, the sender or both are killed in the middle. */
import { describeBreaks } from './terminal-breaks.ts'

describeBreaks(64, 300_000)
