/** What this browser keeps of how somebody wants to see the pages. No React but for the hook. */
import { useSyncExternalStore } from 'react';

export const choices = {
  theme: ['system', 'dark', 'light'],
  density: ['compact', 'normal', 'comfortable'],
  motion: ['system', 'none'],
  hours: ['24', '12'],
} as const;

type Choices = typeof choices;
export type Prefs = { readonly [K in keyof Choices]: Choices[K][number] } & { readonly zone: string }; // zone: empty: that of the machine

const usual: Prefs = { theme: 'system', density: 'normal', motion: 'system', hours: '24', zone: '' };
const place = 'fleet.prefs';

/** zoneThere says whether the browser knows a time zone. */
export function zoneThere(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** read understands what was kept; what is not known is as usual. */
export function read(text: string | null): Prefs {
  let got: Record<string, unknown> = {};
  try {
    const v: unknown = JSON.parse(text ?? '{}');
    if (typeof v === 'object' && v !== null) got = v as Record<string, unknown>;
  } catch {
    // as if nothing was kept
  }
  const out: Record<string, string> = { ...usual };
  for (const [k, list] of Object.entries(choices)) if (list.some((x) => x === got[k])) out[k] = got[k] as string;
  if (typeof got.zone === 'string' && zoneThere(got.zone || 'UTC')) out.zone = got.zone;
  return out as Prefs;
}

let now = read(typeof localStorage === 'undefined' ? null : localStorage.getItem(place));
const readers = new Set<() => void>();

export const prefs = (): Prefs => now;

/** setPrefs changes some, for this browser. */
export function setPrefs(more: Partial<Prefs>): void {
  now = read(JSON.stringify({ ...now, ...more }));
  localStorage.setItem(place, JSON.stringify(now));
  apply();
  for (const f of readers) f();
}

const subscribe = (f: () => void) => {
  readers.add(f);
  return () => {
    readers.delete(f);
  };
};

export const usePrefs = (): Prefs => useSyncExternalStore(subscribe, prefs);

/** ownZone is the time zone that times are shown in. */
export const ownZone = (): string => now.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;

export const lightWanted = '(prefers-color-scheme: light)';
const media: Record<Prefs['theme'], string> = { system: lightWanted, dark: 'not all', light: 'all' };
let lights: MediaList | undefined;

/** lightRule is the condition of the light colours, which a choice takes the place of. */
function lightRule(): MediaList | undefined {
  for (const sheet of document.styleSheets)
    for (const rule of sheet.cssRules) if (rule instanceof CSSMediaRule && rule.conditionText.includes('prefers-color-scheme')) return rule.media;
  return undefined;
}

/** isLight says which colours are shown. */
export const isLight = (): boolean => (now.theme === 'system' ? window.matchMedia(lightWanted).matches : now.theme === 'light');

/** rowHeight is that of one line of a list, in pixels, as --row says to styles. */
export const rowHeight = (): number => ({ compact: 28, normal: 34, comfortable: 42 })[now.density];

/** apply shows the page as it is wanted. */
export function apply(): void {
  lights ??= lightRule();
  if (lights) lights.mediaText = media[now.theme];
  document.documentElement.dataset.density = now.density;
  document.documentElement.dataset.motion = now.motion;
}
