import { useSyncExternalStore } from 'react';
import { prefs } from './prefs';
import { span } from './words';

/** One clock for all relative times. It is set by what the server says, so that a wrong clock of the browser shows nothing wrong. */
let offset = 0;
let now = Date.now();
const readers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

export function setServerTime(iso: string): void {
  const t = Date.parse(iso);
  if (!Number.isNaN(t)) offset = t - Date.now();
}

/** serverNow is the time of now by the server's clock, ms. */
export const serverNow = (): number => Date.now() + offset;

function subscribe(f: () => void): () => void {
  readers.add(f);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const r of readers) r();
  }, 1000);
  return () => {
    readers.delete(f);
    if (readers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export const useNow = (): number => useSyncExternalStore(subscribe, () => now) + offset;

type Moment = number | string | Date;

const forms = new Map<string, Intl.DateTimeFormat>(); // they are dear to make

type Kind = 'day' | 'clock' | 'hour' | 'zone';

function form(kind: Kind): Intl.DateTimeFormat {
  const { zone, hours } = prefs();
  const key = `${kind} ${zone} ${hours}`;
  let f = forms.get(key);
  if (!f) {
    const of: Record<Kind, Intl.DateTimeFormatOptions> = {
      day: { year: 'numeric', month: '2-digit', day: '2-digit' },
      clock: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: hours === '12' ? 'h12' : 'h23' },
      hour: { hour: '2-digit', hourCycle: 'h23' },
      zone: { timeZoneName: 'longOffset' },
    };
    f = new Intl.DateTimeFormat(kind === 'day' ? 'en-CA' : 'en-GB', { ...of[kind], ...(zone ? { timeZone: zone } : {}) });
    forms.set(key, f);
  }
  return f;
}

/** show writes a moment; one that is none shows as such. */
const show = (kind: Kind, t: Moment): string => {
  const d = new Date(t);
  return Number.isNaN(d.getTime()) ? 'Invalid Date' : form(kind).format(d);
};

/** clock is a time of day, with seconds, in the zone and with the hours of the profile. */
export const clock = (t: Moment): string => show('clock', t);

/** day is the date of a moment there, as 2026-11-28. */
export const day = (t: Moment): string => show('day', t);

/** hour is the hour of its day, 0 to 23. */
export const hour = (t: Moment): number => Number(show('hour', t));

/** zoneAt is how far that clock is from UTC then, as UTC+01:00. */
export const zoneAt = (t: Moment): string =>
  show('zone', t)
    .replace(/^.*GMT/, 'UTC')
    .replace(/^UTC[+-]00:00$/, 'UTC');

/** exact is a time with its day, as it is shown where hours alone would not do. */
export const exact = (t: Moment): string => `${day(t)} ${clock(t)}`;

/** Ago tells how long ago, and the exact time on hover. */
export function Ago({ at }: { at: string | number | null | undefined }) {
  const t = useNow();
  if (!at) return <>–</>;
  const then = new Date(at);
  return (
    <time dateTime={then.toISOString()} title={exact(then)}>
      {span(Math.floor((t - then.getTime()) / 1000) * 1000 || 0).replace(/^0 ms$/, '0 s')} ago
    </time>
  );
}

/** In tells how long from now, and the exact time on hover. */
export function In({ at, exactly }: { at: string; exactly?: string }) {
  const left = Date.parse(at) - useNow();
  return (
    <time dateTime={at} title={exactly ?? exact(at)}>
      {left <= 0 ? 'now' : `in ${span(left < 60_000 ? Math.ceil(left / 1000) * 1000 : Math.floor(left / 60_000) * 60_000).replace(/ 0 (s|min|h)$/, '')}`}
    </time>
  );
}
