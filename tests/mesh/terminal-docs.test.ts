/** Every command of docs/terminal.md, as it stands there and in its order, on two computers (directories) with a real relay. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { cleanEnv, type RelayProcess, startRelayProcess } from '../support/relay-process.ts'
import { waitUntil } from '../support/wait.ts'

const ROOT = join(import.meta.dirname, '../..')
const DMESH = `"${process.execPath}" "${join(ROOT, 'relay-server/cli.ts')}"`
const LONG = { ms: 30_000 }

interface Step {
  readonly who: string
  readonly line: string
}

/** A block belongs to the computer that was named last. */
function readSteps(markdown: string): readonly Step[] {
  let who = ''
  return [...markdown.matchAll(/\*\*On (\w+)'s computer\.\*\*|```sh\n([\s\S]*?)```/g)].flatMap(([, name, block]) => {
    if (name) who = name
    return (block ?? '').split('\n').flatMap((line) => (line.trim() === '' ? [] : [{ who, line }]))
  })
}

/** What each command has to print, in the order of the document. `stays` = it runs on; `input` = what is typed; gets what was printed before. */
const EXPECTED: readonly (readonly [RegExp, { readonly stays?: true; readonly input?: (before: readonly string[]) => string }?])[] = [
  [/^In the lobby of /],
  [/^$/],
  [/^12D3\w+\nInvite somebody/],
  [/Ready {5}Ctrl-C ends it/, { stays: true }],
  [/█[\s\S]*#join=/],
  [/^$/],
  [/^In Home as member/, { input: (earlier) => /http\S+#join=\S+/.exec(earlier.join('\n'))?.[0] ?? '' }],
  [/^Home .* member\n {2}12D3\w+ {2}Ana {2}owner/],
  [/Waiting for files/, { stays: true }],
  [/^holiday\.jpg .* sha256 \w{64}\nnotes\.txt .* sha256 \w{64}\n$/m],
  [/^photos\.tar .* sha256 \w{64}\n$/],
  [/^(kept until the peer is here|delivered)\n$/m],
  [/12D3\w+ {2}Ben {2}(relayed|direct)/],
  [/^Ana \(this one\)\n[├└]─ (by relay|directly).*\n[│ ] {2}└─ Ben/],
  [/^pong from .* (relayed|direct) over [\s\S]*in use/],
  [/(^status=(relayed|direct) .*peers=1.*\n){3}/m],
  [/delivered: good bye/, { input: () => 'good bye' }],
  [/^dmesh:\/\/12D3\w+\/\nserving/, { stays: true }],
  [/<h1>Files<\/h1>/],
]

const root = mkdtempSync(join(tmpdir(), 'dmesh-docs-'))
const children: ChildProcess[] = []
let relay: RelayProcess
before(async () => {
  relay = await startRelayProcess({ args: ['--udp', 'off', '--stun', 'off', '--admin', 'off'] })
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await relay.stop()
  rmSync(root, { recursive: true, force: true })
})

function shell({ who, line }: Step) {
  const cwd = join(root, who)
  // `exec`, so that what is killed at the end is the command and no shell around it.
  const plain = line.replaceAll('npx dmesh', DMESH).replaceAll('https://relay.example', `http://127.0.0.1:${relay.port}`)
  const child = spawn('sh', ['-c', line.includes('|') ? plain : `exec ${plain}`], { cwd, env: cleanEnv({ DMESH_DATA_DIR: join(cwd, 'data') }) })
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return { child, said: () => said, exit: new Promise<number | null>((done) => child.once('close', done)) }
}

test('docs/terminal.md: every command does what it says', { timeout: 180_000 }, async () => {
  const steps = readSteps(readFileSync(join(ROOT, 'docs/terminal.md'), 'utf8'))
  assert.equal(steps.length, EXPECTED.length, 'a command was added: say here what it prints')
  for (const who of ['Ana', 'Ben']) mkdirSync(join(root, who))
  for (const name of ['holiday.jpg', 'notes.txt']) writeFileSync(join(root, 'Ana', name), name.repeat(1000))
  mkdirSync(join(root, 'Ana', 'photos'))
  const printed: string[] = []
  for (const [at, step] of steps.entries()) {
    const [pattern, { stays, input } = {}] = EXPECTED[at] as (typeof EXPECTED)[number]
    const command = shell(step)
    if (input) command.child.stdin.write(`${input(printed)}\n`)
    if (stays) await waitUntil(() => pattern.test(command.said()), { ...LONG, what: `${step.line}: ${command.said()}` })
    else {
      command.child.stdin.end()
      const code = await command.exit
      assert.equal(code, 0, `${step.line}: ${command.said()}`)
      assert.match(command.said(), pattern, step.line)
    }
    printed.push(command.said())
  }
  const inbox = join(root, 'Ben', 'inbox')
  await waitUntil(() => readdirSync(inbox).sort().join() === 'holiday.jpg,notes.txt,photos.tar', { ...LONG, what: 'the files in the inbox' })
  assert.equal(readFileSync(join(inbox, 'notes.txt'), 'utf8'), 'notes.txt'.repeat(1000))
})
