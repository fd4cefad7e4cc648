/** The same with 5 GiB. */
import { describeBreaks } from './terminal-breaks.ts'

describeBreaks(5 * 1024, 3_600_000)
