/** Who is signed in, and what they may: one place for all pages. */
import { useSyncExternalStore } from 'react';
import type { Me } from '../api/client';

let me: Me | undefined;
const readers = new Set<() => void>();

export function setMe(next: Me | undefined): void {
  if (JSON.stringify(next) === JSON.stringify(me)) return;
  me = next;
  for (const f of readers) f();
}

const watch = (f: () => void) => {
  readers.add(f);
  return () => readers.delete(f);
};

export const useMe = (): Me | undefined => useSyncExternalStore(watch, () => me);

/** useMay says whether the signed-in may do something; undefined: it is not known yet. */
export const useMay = (permission: string): boolean | undefined => {
  const who = useMe();
  return who === undefined ? undefined : who.permissions.includes(permission);
};
