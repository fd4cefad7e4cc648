/** Runs a program that others wrote as a side of a measurement: prints its pid and where it is, ends it with the measurement. */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'

/** ms for a program to listen. */
const START_MS = 10_000

/** A port on loopback that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Ends with this process, and this process with it. What it says goes nowhere. `done` tidies up. */
export function runProgram(command: string, args: readonly string[], done: () => void = () => undefined): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  child.once('exit', () => process.exit(1)).once('error', () => process.exit(1))
  process.once('exit', () => {
    child.kill('SIGKILL')
    done()
  })
  process.once('disconnect', () => process.exit(0))
  return child
}

/** Resolves once something listens on the port. */
export async function listens(port: number): Promise<void> {
  for (const end = performance.now() + START_MS; performance.now() < end; ) {
    const socket = connect({ host: '127.0.0.1', port })
    const open = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on ${port} after ${START_MS} ms`)
}
