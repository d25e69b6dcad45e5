import { useSyncExternalStore } from 'react';
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

/** clock is a time of day, with seconds and 24 hours. */
export const clock = (t: number | string | Date): string => new Date(t).toLocaleTimeString('en-GB');

/** exact is a time with its day, as it is shown where hours alone would not do. */
export const exact = (t: number | string | Date): string => {
  const d = new Date(t);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')} ${clock(d)}`;
};

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
