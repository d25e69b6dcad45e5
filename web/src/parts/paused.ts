/** Whether what is shown stands still. The stream goes on behind it, so nothing is missed. */
import { useRef, useSyncExternalStore } from 'react';

export interface Pause {
  since: number; // ms; 0: it does not stand still
  updates: number; // how many there had been then
}

const live: Pause = { since: 0, updates: 0 };
let pause = live;
const readers = new Set<() => void>();

export function setPause(next: Pause | undefined): void {
  pause = next ?? live;
  for (const f of readers) f();
}

const watch = (f: () => void) => {
  readers.add(f);
  return () => readers.delete(f);
};

export const usePause = (): Pause => useSyncExternalStore(watch, () => pause);
export const isPaused = (): boolean => pause.since > 0;

/** useStill keeps a value while what is shown stands still, if it is one that can be shown. */
export function useStill<T>(value: T, usable: (v: T) => boolean): T {
  const p = usePause();
  const kept = useRef(value);
  if (p.since === 0 || !usable(kept.current)) kept.current = value;
  return kept.current;
}
