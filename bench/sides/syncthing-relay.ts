/** Syncthing's relay (Debian's strelaysrv) as a side, in no pool: prints its pid, its port, and a directory with a key and certificate for a client. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, listens, runProgram } from './program.ts'

const port = await freePort()
const keys = mkdtempSync(join(tmpdir(), 'dmesh-strelay-'))
const args = [`-listen=127.0.0.1:${port}`, '-pools=', '-status-srv=', `-keys=${keys}`]
const child = runProgram('strelaysrv', args, () => rmSync(keys, { recursive: true, force: true }))
child.stdout?.resume()
await listens(port)
process.stdout.write(`${child.pid} ${port} ${keys}\n`)
