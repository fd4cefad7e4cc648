/** The load suite in its full size: about a quarter of an hour on two cores. */
import { describeLoad } from './load.ts'

describeLoad({ reservations: 1000, idle: 5000, frozen: 100, floodSeconds: 10, cycles: 10_000 })
