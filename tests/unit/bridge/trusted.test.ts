/** Which strings the page's policy lets become code: the URLs of its own workers, nothing else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trustOwnScripts } from '../../../src/bridge/trusted.page.ts'

type Rules = { createScriptURL(text: string): string | null }

function rulesAt(href: string): Rules {
  let rules: Rules | undefined
  trustOwnScripts({
    location: { href, origin: new URL(href).origin },
    trustedTypes: {
      createPolicy(name, given) {
        assert.equal(name, 'default')
        rules = given
      },
    },
  })
  assert.ok(rules)
  return rules
}

test('the policy gives the workers of this origin their URLs, and nothing else', () => {
  const rules = rulesAt('http://dmesh.localhost:8421/#/chat')
  for (const own of ['/sw.js', 'http://dmesh.localhost:8421/mesh.worker.js', '/storage.worker.js']) assert.equal(rules.createScriptURL(own), own)
  for (const other of [
    'http://dmesh.localhost:9999/mesh.worker.js',
    'https://evil.example/sw.js',
    '//evil.example/sw.js',
    'data:text/javascript,1',
    'blob:http://dmesh.localhost:8421/1',
    '/p2p/peer/sw.js',
    '/assets/x.js',
    '/sw.js/../p2p/x.js',
  ])
    assert.equal(rules.createScriptURL(other), null, other)
})

test('a browser without Trusted Types is left alone', () => {
  trustOwnScripts({ location: { href: 'http://x/', origin: 'http://x' } })
})
