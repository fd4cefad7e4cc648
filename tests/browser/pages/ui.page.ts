/** The real page on a fake mesh: `globalThis.fake` pushes states, `globalThis.uiApp` is the app. `?state=full|meshes|empty|fail`, `&joined`, `&sw`, `&origin=`. For tests only. */
import type { MeshState } from '../../../src/core/mesh.ts'
import { MeshError } from '../../../src/shared/errors.ts'
import { startPage } from '../../../src/ui/start.page.ts'
import { createFakeMesh, emptyFakeState } from './fake-mesh.ts'
import { fullState, meshState } from './fake-state.ts'

const STATES: Readonly<Record<string, (now: number) => MeshState>> = { full: fullState, meshes: meshState }
const query = new URLSearchParams(location.search)
const fake = createFakeMesh((STATES[query.get('state') ?? ''] ?? emptyFakeState)(Date.now()))
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
/** A code on a canvas that keeps moving a little, as a camera sees it, and the same as a photo. */
async function drawCode(text: string): Promise<void> {
  const { generate } = await import('lean-qr')
  const code = document.createElement('canvas')
  generate(text).toCanvas(code, { on: [0, 0, 0, 255], off: [255, 255, 255, 255], padX: 4, padY: 4 })
  const picture = document.createElement('canvas')
  picture.width = picture.height = 900
  const context = picture.getContext('2d')
  if (!context) throw new Error('no canvas')
  context.imageSmoothingEnabled = false
  const draw = () => context.drawImage(code, 20, 20, 860, 860)
  context.fillStyle = 'white'
  context.fillRect(0, 0, 900, 900)
  draw()
  setInterval(draw, 100)
  const photo = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve))
  Object.assign(globalThis, { picture, photo })
}

Object.assign(globalThis, { fake, uiApp: app, dmesh: app.handle, drawCode })
