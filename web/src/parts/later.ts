/** What is done in a moment unless somebody says no. It is done also when the page that began it is left. */
import { useSyncExternalStore } from 'react';

export interface Later {
  text: string; // what will be done
  undo: () => void;
  now: () => void;
}

const patience = 8000;
let next: Later | undefined;
const readers = new Set<() => void>();

function set(l: Later | undefined): void {
  next = l;
  for (const f of readers) f();
}

/** later does something after a while. What waited before is done at once. */
export function later(text: string, act: () => void): void {
  next?.now();
  const end = (run: boolean) => () => {
    clearTimeout(timer);
    if (next !== mine) return;
    set(undefined);
    if (run) act();
  };
  const mine: Later = { text, undo: end(false), now: end(true) };
  const timer = setTimeout(mine.now, patience);
  set(mine);
}

const watch = (f: () => void) => {
  readers.add(f);
  return () => readers.delete(f);
};

export const useLater = (): Later | undefined => useSyncExternalStore(watch, () => next);
