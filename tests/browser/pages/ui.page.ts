/** The real page on a fake mesh: `globalThis.fake` pushes states, `globalThis.uiApp` is the app. `?state=full|empty|fail`, `&joined`, `&sw`, `&origin=`. For tests only. */
import { MeshError } from '../../../src/shared/errors.ts'
import { startPage } from '../../../src/ui/start.page.ts'
import { createFakeMesh, emptyFakeState } from './fake-mesh.ts'
import { fullState } from './fake-state.ts'

const query = new URLSearchParams(location.search)
const fake = createFakeMesh(query.get('state') === 'full' ? fullState(Date.now()) : emptyFakeState())
if (query.has('joined')) localStorage.setItem('dmesh.joined', '1')
let starts = 0

const app = startPage(window, {
  async connect() {
    starts++
    if (query.get('state') === 'fail' && starts === 1) throw new MeshError('WORKER_GONE', 'the background part did not answer in 10000 ms')
    if (query.get('state') === 'wait') await new Promise((resolve) => Object.assign(globalThis, { letStart: resolve }))
    return fake.mesh
  },
  version: '0.1.0',
  serviceWorker: query.has('sw'),
  origin: query.get('origin') ?? undefined,
})
Object.assign(globalThis, { fake, uiApp: app, dmesh: app.handle })
