import { useEffect, useState } from 'react';
import { type Command, useCommands } from './keys';

interface Options {
  ids: readonly string[]; // of the rows, as they are shown
  start?: string; // where one stands at first; nowhere if left out
  open: (id: string) => void;
  toggle?: (id: string) => void;
  range?: (id: string) => void; // chooses from the last choice to the row
  menu?: (id: string) => void; // opens what can be done with the row
  show?: (index: number) => void; // brings a row into sight
  more?: (id: string | undefined) => readonly Command[]; // what else can be done with the row
}

/** useCursor walks the rows of a list by key. It stays on its row when others come and go, and Escape leaves the list. */
export function useCursor({ ids, start, open, toggle, range, menu, show, more }: Options): string | undefined {
  const [at, setAt] = useState(start);
  const index = at === undefined ? -1 : ids.indexOf(at);
  const here = index < 0 ? undefined : at;
  useEffect(() => {
    if (at !== undefined && ids.length > 0 && !ids.includes(at)) setAt(undefined);
  }, [at, ids]);
  const move = (by: number) => {
    if (ids.length === 0) return undefined;
    const next = index < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.min(Math.max(index + by, 0), ids.length - 1);
    setAt(ids[next]);
    show?.(next);
    return ids[next];
  };
  const reach = (by: number) => {
    if (here !== undefined && range) range(here); // the range begins where one stands
    const to = move(by);
    if (to !== undefined) range?.(to);
  };
  const group = 'In this list';
  const on = (f: ((id: string) => void) | undefined) => () => here !== undefined && f?.(here);
  useCommands([
    { name: 'Next row', group, keys: '↓', run: () => void move(1) },
    { name: 'Next row', group, keys: 'j', run: () => void move(1) },
    { name: 'Row before', group, keys: '↑', run: () => void move(-1) },
    { name: 'Row before', group, keys: 'k', run: () => void move(-1) },
    { name: 'Open the row', group, keys: 'Enter', run: on(open) },
    ...(toggle ? [{ name: 'Choose the row', group, keys: 'x', run: on(toggle) }] : []),
    ...(range
      ? [
          { name: 'Choose down to the next row', group, keys: 'Shift ↓', run: () => reach(1) },
          { name: 'Choose up to the row before', group, keys: 'Shift ↑', run: () => reach(-1) },
        ]
      : []),
    ...(menu ? [{ name: 'What can be done with the row', group, keys: '→', run: on(menu) }] : []),
    ...(here === undefined ? [] : [{ name: 'Leave the list', group, keys: 'Esc', run: () => setAt(undefined) }]),
    ...(more?.(here) ?? []),
  ]);
  return here;
}
