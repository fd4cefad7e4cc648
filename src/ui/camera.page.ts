/** Reads codes from the camera and from pictures: with the browser's own detector where it knows this kind, else with a decoder loaded for it. Pictures never leave the page. */

/** px of the longer side that is looked at: enough for a dense code, little enough for a slow phone. */
const FRAME = 1024
const PHOTO = 2048
/** ms between two looks at the camera. */
const PACE = 120
/** ms one look may take: a frame can wait, a photo is worth an effort. */
const FRAME_TIME = 80
const PHOTO_TIME = 1500

type Reader = (picture: HTMLVideoElement | ImageBitmap, side: number, ms: number) => Promise<string | undefined>

interface Detector {
  detect(source: CanvasImageSource): Promise<readonly { readonly rawValue: string }[]>
}

interface DetectorClass {
  new (options: { formats: readonly string[] }): Detector
  getSupportedFormats(): Promise<readonly string[]>
}

/** Shows the camera in `video` and gives every code to `onText` until it says true or the signal fires. Rejects when there is no camera to use. */
export async function watchCamera(
  video: HTMLVideoElement,
  onText: (text: string) => boolean,
  onStart: () => void,
  signal: AbortSignal,
): Promise<void> {
  const media = navigator.mediaDevices as MediaDevices | undefined
  if (!media) throw new DOMException('no camera', 'NotFoundError')
  const stream = await media.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 }, height: { ideal: 1080 } } })
  try {
    signal.throwIfAborted()
    video.srcObject = stream
    await video.play()
    onStart()
    const read = await openReader()
    while (!signal.aborted) {
      const text = video.readyState >= 2 ? await read(video, FRAME, FRAME_TIME) : undefined
      if (text !== undefined && !signal.aborted && onText(text)) return
      await pause(PACE, signal)
    }
  } finally {
    for (const track of stream.getTracks()) track.stop()
    video.srcObject = null
  }
}

/** The text of the code in a picture; undefined when there is none. */
export async function readPhoto(file: Blob): Promise<string | undefined> {
  const picture = await createImageBitmap(file)
  try {
    const read = await openReader()
    return await read(picture, PHOTO, PHOTO_TIME)
  } finally {
    picture.close()
  }
}

/** Why there is no picture, and what to do. */
export function cameraProblem(error: unknown): string {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'The camera is not allowed here. Allow it beside the address of this page (the lock or the settings icon), then try again. A photo or the link works as well.'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'This device has no camera that the page can use. Take a photo of the code, or paste the link.'
    case 'NotReadableError':
      return 'Another program uses the camera. Close it and try again, or use a photo or the link.'
    default:
      return 'The camera did not start. Use a photo or paste the link.'
  }
}

async function openReader(): Promise<Reader> {
  const Native = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  const formats = (await Native?.getSupportedFormats().catch(() => [])) ?? []
  if (Native && formats.includes('qr_code')) {
    const detector = new Native({ formats: ['qr_code'] })
    return async (picture) => (await detector.detect(picture).catch(() => []))[0]?.rawValue
  }
  const { default: decode } = await import('qr/decode.js')
  return async (picture, side, timeLimit) => {
    const { width, height, data } = pixels(picture, side)
    if (width === 0 || height === 0) return undefined
    try {
      return decode({ width, height, data }, { timeLimit })
    } catch {
      return undefined // no code in this one
    }
  }
}

function pixels(picture: HTMLVideoElement | ImageBitmap, side: number): ImageData {
  const [wide, high] = 'videoWidth' in picture ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height]
  const scale = Math.min(1, side / Math.max(wide, high, 1))
  const width = Math.max(1, Math.round(wide * scale))
  const height = Math.max(1, Math.round(high * scale))
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new DOMException('no canvas', 'NotReadableError')
  context.drawImage(picture, 0, 0, width, height)
  return context.getImageData(0, 0, width, height)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
