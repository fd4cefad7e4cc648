/** A program to run inside a namespace: our STUN responder alone. `node netns-stun-server.ts HOST:PORT…` prints `ready` and runs until it is killed. */
import { createStunServer } from '../../relay-server/stun/server.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { silentLog } from '../../src/shared/log.ts'

const listen = process.argv.slice(2).map((text) => {
  const [, host = '', port] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? []
  return { host, port: Number(port) }
})
await createStunServer({ listen, clock: systemClock(), log: silentLog() })
process.stdout.write('ready\n')
