/** Every packet of a namespace, recorded by tcpdump and read back as who sent what to whom. Must never drop a line it does not understand without a word. */
import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Space } from './netns.ts'
import { waitUntil } from './wait.ts'

const START_MS = 15_000
/** Bytes kept of each packet: enough for the longest DNS name. */
const SNAP = '384'

export interface Packet {
  /** IP addresses; '' for what is no IP (ARP). */
  readonly from: string
  readonly to: string
  readonly toPort: number | undefined
  /** Name asked for, when it is a DNS question (mDNS too). */
  readonly question: string | undefined
  /** As tcpdump writes it. */
  readonly line: string
}

export interface Capture {
  /** Stop and read everything recorded. Throws when the kernel dropped packets: then nothing is proved. */
  stop(): Promise<readonly Packet[]>
}

/** Records on all interfaces; loopback addresses are left out. Headers only. */
export async function startCapture(space: Space): Promise<Capture> {
  const directory = await mkdtemp(join(tmpdir(), 'dmesh-capture-'))
  const file = join(directory, 'packets.pcap')
  // As root: the file is ours. One buffer of 16 MiB, written through, so that a file transfer loses nothing.
  const args = ['-i', 'any', '-n', '-s', SNAP, '-B', '16384', '-U', '-Z', 'root', '-w', file, 'not net 127.0.0.0/8 and not host ::1']
  const child = space.spawn('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const said = collect(child)
  await waitUntil(() => said().includes('listening on') || ended(child), { ms: START_MS, what: 'tcpdump to listen' })
  if (ended(child)) throw new Error(`tcpdump ended: ${said()}`)
  return {
    async stop() {
      child.kill('SIGINT')
      if (!ended(child)) await once(child, 'exit')
      const [, dropped] = /(\d+) packets? dropped by kernel/.exec(said()) ?? []
      try {
        if (dropped !== '0') throw new Error(`the capture is not whole: ${said()}`)
        return await readPackets(file)
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    },
  }
}

async function readPackets(file: string): Promise<readonly Packet[]> {
  const { stdout } = await promisify(execFile)('tcpdump', ['-r', file, '-nn', '-t'], { maxBuffer: 512 * 1024 * 1024 })
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !/^\s/.test(line))
    .map(parsePacket)
}

/** `eth0  Out IP 192.168.1.2.40000 > 203.0.113.1.8421: Flags [S], …`; addresses of ICMP and IPv6 without ports likewise. */
export function parsePacket(line: string): Packet {
  const [, version, source = '', target = '', rest = ''] = /\bIP(6?) (\S+) > (\S+): (.*)$/.exec(line) ?? []
  if (version === undefined) {
    if (/\bARP\b/.test(line)) return { from: '', to: '', toPort: undefined, question: undefined, line }
    throw new Error(`tcpdump wrote a line that is not understood: ${line}`)
  }
  const [from] = splitPort(source, version)
  const [to, toPort] = splitPort(target, version)
  const question = /(?:^|\s)(?:A|AAAA|PTR|ANY|HTTPS|SRV|TXT)(?: \(Q[MU]\))?\? (\S+?)\.?(?:\s|$)/.exec(rest)?.[1]
  return { from, to, toPort, question, line }
}

/** tcpdump puts the port behind one more dot. */
function splitPort(text: string, version: string): readonly [string, number | undefined] {
  const [, address, port] = (version === '6' ? /^([^.]+)\.(\d+)$/ : /^(\d+\.\d+\.\d+\.\d+)\.(\d+)$/).exec(text) ?? []
  return address && port ? [address, Number(port)] : [text, undefined]
}

function collect(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
  return () => text
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
