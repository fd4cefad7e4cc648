/** Documentation that cannot lie: commands of the README are run by tests or listed with the reason, options exist, links lead somewhere, ADRs are complete. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { readConfig } from '../../relay-server/config/config.ts'
import { renderHelp } from '../../relay-server/help.ts'
import { root } from '../../tools/say.mjs'
import { listFiles } from '../../tools/source-files.mjs'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Commands in fenced `sh` blocks. */
function shellCommands(markdown: string): string[] {
  return [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => (block ?? '').split('\n').filter((line) => line.trim() !== ''))
}

const TERMINAL = 'docs/terminal.md'

/** Commands that other tests run as a person would: that test's file. All of docs/terminal.md is run, from top to bottom, by its own. */
const RUN_ELSEWHERE: Readonly<Record<string, string>> = {
  'npm start': 'tests/e2e/fresh-start.test.ts',
  ...Object.fromEntries(shellCommands(read(TERMINAL)).map((line) => [line, 'tests/mesh/terminal-docs.test.ts'])),
}

/** Commands that no test can run: why not. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm test': 'it is the run this test is part of',
  'npm install': 'the first start does it',
  'npm run check': 'this test is part of it',
  'npm start -- --listen 0.0.0.0:443 --tls-cert /etc/ssl/mesh.example.pem --tls-key /etc/ssl/mesh.example.key':
    'needs the certificate of a real name and port 443; its options are checked below',
  'npm start -- --listen 127.0.0.1:8421 --public-url https://mesh.example --trust-proxy 127.0.0.1/32':
    'needs a proxy with a real name; its options are checked below, and tests/mesh/behind-nginx.test.ts runs it behind one',
  'npm start -- --lobby --kad https://other.example':
    'needs a relay of somebody else; its options are checked below, and tests/mesh/kad.test.ts joins relays by them',
}

/** The documents whose commands a person copies. */
const WITH_COMMANDS = ['README.md', 'CONTRIBUTING.md', 'docs/self-hosting.md', TERMINAL]

/** Run here: command → what it has to print. */
const RUN_HERE: Readonly<Record<string, RegExp>> = {
  'npx dmesh --help': /dmesh[\s\S]*relay/,
}

test('every command of the documentation is run or has a reason not to be', () => {
  const known = [...Object.keys(RUN_ELSEWHERE), ...Object.keys(NOT_RUN), ...Object.keys(RUN_HERE)]
  const commands = WITH_COMMANDS.flatMap((path) => shellCommands(read(path))).map((line) => line.replace(' --data-dir /var/lib/dmesh', ''))
  assert.ok(commands.length >= 8)
  assert.deepEqual(
    commands.filter((line) => !known.includes(line)),
    [],
    'new commands: run them in a test',
  )
  assert.deepEqual(
    known.filter((line) => !commands.includes(line)),
    [],
    'listed, yet in no document',
  )
  assert.deepEqual(
    Object.values(RUN_ELSEWHERE).filter((path) => !existsSync(join(root, path))),
    [],
  )
  assert.deepEqual(shellCommands('```sh\na b\n\nc\n```\n```ts\nno\n```'), ['a b', 'c'])
})

for (const [command, expected] of Object.entries(RUN_HERE)) {
  test(`README: ${command}`, () => {
    const [program = '', ...args] = command.split(' ')
    assert.match(execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }), expected)
  })
}

test('the relay takes the options of every command as they are written', () => {
  const starts = WITH_COMMANDS.flatMap((path) => shellCommands(read(path))).filter((line) => line.startsWith('npm start -- '))
  assert.ok(starts.length >= 4)
  for (const line of starts) assert.ok(readConfig({ args: line.split(' ').slice(3), env: {}, root }).listen.port > 0, line)
})

test('every dmesh command that the documentation names is one', () => {
  const help = renderHelp()
  const named = listMarkdown().flatMap((path) => [...read(path).matchAll(/npx dmesh ([a-z]+)/g)].map(([, name]) => name ?? ''))
  assert.ok(named.length > 2)
  for (const name of new Set(named)) assert.match(help, new RegExp(`^  dmesh ${name}\\b`, 'm'))
})

test('documents that comments name exist', () => {
  const texts = listFiles(root).filter((path) => /^(src|relay-server|workers|tools|tests|bench)\/.*\.(ts|tsx|mjs)$/.test(path))
  const adrs = readdirSync(join(root, 'docs', 'adr'))
  const exists = (name: string) => existsSync(join(root, name)) || adrs.some((adr) => `docs/adr/${adr}`.startsWith(`${name}-`))
  const named = texts.flatMap((path) => [...read(path).matchAll(/docs\/[\w./-]*\w/g)].map(([name]) => `${path}: ${name}`))
  assert.deepEqual(
    named.filter((line) => !exists(line.split(': ')[1] ?? '')),
    [],
  )
})

test('options that the documentation names are options of the relay', () => {
  const help = execFileSync(process.execPath, [join(root, 'relay-server', 'cli.ts'), 'relay', '--help'], { encoding: 'utf8' })
  const named = ['README.md', 'SECURITY.md', 'ARCHITECTURE.md', 'docs/self-hosting.md'].flatMap((path) =>
    [...read(path).matchAll(/(?<![-\w])--[a-z][a-z-]+/g)].map(([flag]) => flag),
  )
  const unknown = [...new Set(named)].filter((flag) => flag !== '--help' && !help.includes(flag))
  assert.deepEqual(unknown, [])
})

test('every script that the documentation names exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = listMarkdown().flatMap((path) => [...read(path).matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? ''))
  assert.deepEqual(
    [...new Set(named)].filter((name) => !(name in scripts)),
    [],
  )
})

function listMarkdown(): string[] {
  return listFiles(root).filter((path) => path.endsWith('.md') && !path.startsWith('bench/results'))
}

/** Links of one document that lead to no file. */
function deadLinks(path: string, markdown: string): string[] {
  const targets = [...markdown.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map(([, target]) => target ?? '')
  return targets.filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target))).map((target) => `${path}: ${target}`)
}

test('links between documents lead somewhere', () => {
  assert.deepEqual(
    listMarkdown().flatMap((path) => deadLinks(path, read(path))),
    [],
  )
  assert.deepEqual(deadLinks('README.md', '[a](nowhere.md) [b](README.md) [c](https://example.org)'), ['README.md: nowhere.md'])
})

test('paths that the documentation names exist', () => {
  const named = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'].flatMap((path) =>
    [...read(path).matchAll(/`((?:src|workers|tools|tests|relay-server|docs)\/[\w./-]*\w)\/?`/g)].map(([, name]) => `${path}: ${name}`),
  )
  assert.deepEqual(
    [...new Set(named)].filter((line) => !existsSync(join(root, line.split(': ')[1] ?? ''))),
    [],
  )
})

test('every ADR has its four parts and stands in the list', () => {
  const folder = join(root, 'docs', 'adr')
  const records = readdirSync(folder).filter((name) => /^\d{4}-[a-z0-9-]+\.md$/.test(name))
  assert.ok(records.length >= 7)
  const list = read('docs/adr/README.md')
  for (const name of records) {
    const text = readFileSync(join(folder, name), 'utf8')
    for (const part of ['## Context', '## Decision', '## Consequences', '## Checked by']) assert.ok(text.includes(part), `${name} lacks "${part}"`)
    assert.ok(list.includes(`(${name})`), `${name} is not in docs/adr/README.md`)
  }
})
