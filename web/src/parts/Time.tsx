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

/** Ago tells how long ago, and the exact time on hover. */
export function Ago({ at }: { at: string | undefined }) {
  const t = useNow();
  if (!at) return <>–</>;
  const exact = new Date(at);
  return (
    <time dateTime={at} title={exact.toLocaleString()}>
      {span(Math.floor((t - exact.getTime()) / 1000) * 1000 || 0).replace(/^0 ms$/, '0 s')} ago
    </time>
  );
}
