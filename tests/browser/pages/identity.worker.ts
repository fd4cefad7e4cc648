/** Worker of tests/browser/identity.test.ts: loads the identity once and says who it is. */
import { loadBrowserIdentity } from '../../../src/identity/browser.ts'
import { toHex } from '../../../src/shared/bytes.ts'
import { openBrowserRecords } from '../../../src/storage/indexeddb.ts'

const records = await openBrowserRecords()
const { peer, sealing, isNew } = await loadBrowserIdentity(records)
await records.close()
postMessage({ peer, sealing: toHex(sealing.publicKey), isNew })
