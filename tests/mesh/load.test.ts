/** The load suite in the size of every run. */
import { describeLoad } from './load.ts'

describeLoad({ reservations: 60, idle: 60, frozen: 10, floodSeconds: 3, cycles: 80 })
