/** `dmesh address` prints both forms of either, for people and as JSON. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { address } from '../../../relay-server/commands/address.ts'
import { codeOf } from '../../../src/shared/errors.ts'

const PEER = '12D3KooWLePVbQbv3PqsDZt6obMcWa99YyqRWjeiCtStSydQ6zjH'
const MULTIADDR = `/dns/home.example/tcp/443/tls/ws/p2p/${PEER}`
const URL_FORM = `dmesh+wss://home.example/p2p/${PEER}?proto=/dmesh/echo/1.0.0`

function run(...args: string[]): string {
  const lines: string[] = []
  assert.equal(address(args, { env: {}, root: '/', out: (text) => void lines.push(text) }), 0)
  return lines.join('\n')
}

describe('dmesh address', () => {
  it('prints the same for a multiaddr and its URL', () => {
    const text = run(MULTIADDR, '--proto', '/dmesh/echo/1.0.0')
    assert.equal(text, `address   ${MULTIADDR}\nurl       ${URL_FORM}\npeer      ${PEER}\nprotocol  /dmesh/echo/1.0.0`)
    assert.equal(run(URL_FORM), text)
  })

  it('prints JSON for programs', () => {
    assert.deepEqual(JSON.parse(run('--json', MULTIADDR)), { address: MULTIADDR, url: URL_FORM.replace(/\?.*/, ''), peer: PEER })
  })

  it('refuses what is no address, two of them, none, and flags it does not know', () => {
    for (const args of [['https://home.example'], [MULTIADDR, MULTIADDR], [], ['--no-such-flag', MULTIADDR], [MULTIADDR, '--proto', 'echo']])
      assert.throws(
        () => run(...args),
        (error) => codeOf(error) === 'BAD_ARGUMENT',
      )
  })
})
