/** The real page on a fake mesh: `globalThis.fake` pushes states, `globalThis.uiApp` is the app. `?state=full|empty|fail`, `&joined=1`. For tests only. */
import { createApp } from '../../../src/ui/app.page.ts'
import { suggestName } from '../../../src/ui/device-name.ts'
import { mountApp } from '../../../src/ui/mount.page.tsx'
import { bindPage } from '../../../src/ui/page-events.page.ts'
import { createPreferences } from '../../../src/ui/preferences.page.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { createFakeMesh, emptyFakeState } from './fake-mesh.ts'
import { fullState } from './fake-state.ts'

const query = new URLSearchParams(location.search)
const fake = createFakeMesh(query.get('state') === 'full' ? fullState(Date.now()) : emptyFakeState())
const prefs = createPreferences(() => localStorage)
if (query.has('joined')) prefs.set('joined', '1')
let starts = 0

const app = createApp({
  connect: async () => {
    starts++
    if (query.get('state') === 'fail' && starts === 1) throw new MeshError('WORKER_GONE', 'the background part did not answer in 10000 ms')
    return fake.mesh
  },
  clock: systemClock(),
  prefs,
  suggestedName: suggestName(navigator),
  version: '0.1.0',
  origin: query.get('origin') ?? location.origin,
  fragment: location.hash,
})
bindPage(app, window, new AbortController().signal)
mountApp(app, document.getElementById('app') ?? document.body)
app.start()
Object.assign(globalThis, { fake, uiApp: app })
