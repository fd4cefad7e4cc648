/** go-libp2p's relay (tests/interop/go-peer, limits off) as a side: prints its pid and its address. */
import { createInterface } from 'node:readline'
import { buildGoPeer, PROGRAM } from '../../tests/interop/go-peer.ts'
import { runProgram } from './program.ts'

await buildGoPeer()
const child = runProgram(PROGRAM, ['-listen=/ip4/127.0.0.1/tcp/0/ws', '-relay'])
createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', (line) => {
  const { value } = JSON.parse(line) as { value: { addresses: string[] } }
  process.stdout.write(`${child.pid} ${value.addresses[0]}\n`)
})
