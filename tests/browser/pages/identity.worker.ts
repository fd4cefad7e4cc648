/** Worker of tests/browser/identity.test.ts, dedicated or shared: loads the identity once and says who it is on the port it is given. */
import { loadBrowserIdentity } from '../../../src/identity/browser.ts'
import { toHex } from '../../../src/shared/bytes.ts'
import { openBrowserRecords } from '../../../src/storage/indexeddb.ts'

async function answer(port: Pick<MessagePort, 'postMessage'>): Promise<void> {
  const records = await openBrowserRecords()
  const { peer, sealing, isNew } = await loadBrowserIdentity(records)
  await records.close()
  port.postMessage({ peer, sealing: toHex(sealing.publicKey), isNew })
}

if ('onconnect' in globalThis) {
  Object.assign(globalThis, { onconnect: (event: MessageEvent) => answer(event.ports[0] as MessagePort) })
} else {
  await answer(globalThis as unknown as MessagePort)
}
