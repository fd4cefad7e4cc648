/** Our relay as a process that prints its origin. First argument: data directory. */
import { startTestRelay } from '../../tests/support/test-relay.ts'

const relay = await startTestRelay({ dataDir: process.argv[2] ?? '' })
process.stdout.write(`http://127.0.0.1:${relay.port}\n`)
