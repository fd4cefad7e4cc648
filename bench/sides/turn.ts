/** coturn (Debian's turnserver) as a side, for anybody, on loopback alone: prints its pid and its port. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, listens, runProgram } from './program.ts'

const port = await freePort()
const folder = mkdtempSync(join(tmpdir(), 'dmesh-turn-'))
const where = ['-n', '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`, '--no-udp', '--no-tls', '--no-dtls']
const who = [
  '--no-auth',
  '--allow-loopback-peers',
  '--no-cli',
  `--userdb=${join(folder, 'db')}`,
  `--pidfile=${join(folder, 'pid')}`,
  '--log-file=stdout',
]
const child = runProgram('turnserver', [...where, ...who], () => rmSync(folder, { recursive: true, force: true }))
child.stdout?.resume()
await listens(port)
process.stdout.write(`${child.pid} ${port}\n`)
