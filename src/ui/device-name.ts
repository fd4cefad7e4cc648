/** A first name for this browser, such as "Chrome on Linux", from what it says about itself. Pure; only a suggestion that the person can change. */

export interface BrowserTraits {
  readonly userAgent: string
  readonly platform?: string
  readonly maxTouchPoints?: number
}

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bCriOS\/|\bChrome\/|\bChromium\/|\bHeadlessChrome\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]

/** At most 32 characters. */
export function suggestName(traits: BrowserTraits): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(traits.userAgent))?.[1] ?? 'Browser'
  const system = systemOf(traits)
  return system ? `${browser} on ${system}` : browser
}

function systemOf({ userAgent, maxTouchPoints = 0 }: BrowserTraits): string {
  if (/\biPhone\b/.test(userAgent)) return 'iPhone'
  if (/\biPad\b/.test(userAgent) || (/\bMacintosh\b/.test(userAgent) && maxTouchPoints > 1)) return 'iPad'
  const phone = /Android [^;)]*; ([A-Z][A-Za-z]+[^;)]{0,16})/.exec(userAgent)?.[1]
  if (phone) return phone.replace(/ Build\/.*/, '').trim()
  if (/\bAndroid\b/.test(userAgent)) return 'Android'
  if (/\bCrOS\b/.test(userAgent)) return 'Chromebook'
  if (/\bMacintosh\b/.test(userAgent)) return 'Mac'
  if (/\bWindows\b/.test(userAgent)) return 'Windows'
  return /\bLinux\b/.test(userAgent) ? 'Linux' : ''
}
