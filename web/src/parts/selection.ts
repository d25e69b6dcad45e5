/** Which rows of a list are chosen: some by their ids, or all that match its filter. */
import { useRef, useState } from 'react';
import { type Command, useCommands } from './keys';

export interface Chosen {
  ids: ReadonlySet<string>;
  all: boolean; // all that match, also those that are not on this page
  last?: string; // where a range begins
}

export const none: Chosen = { ids: new Set(), all: false };

/** toggled turns one row; a row of "all" that is turned leaves the rows that are shown without it. */
export function toggled(c: Chosen, id: string, shown: readonly string[]): Chosen {
  const ids = new Set(c.all ? shown : c.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, all: false, last: id };
}

/** ranged chooses the rows from where the last choice was to here, as they are shown. */
export function ranged(c: Chosen, id: string, shown: readonly string[]): Chosen {
  const from = c.last === undefined ? -1 : shown.indexOf(c.last);
  const to = shown.indexOf(id);
  if (to < 0) return c;
  if (from < 0) return { ids: new Set([...c.ids, id]), all: false, last: id };
  return {
    ids: new Set([...c.ids, ...shown.slice(Math.min(from, to), Math.max(from, to) + 1)]),
    all: false,
    ...(c.last === undefined ? {} : { last: c.last }),
  };
}

const mostKept = 50; // an address has no room for more

/** choiceText is a choice as an address has it; undefined where there is none, or no room for it. */
export const choiceText = (c: Chosen): string | undefined => (c.all ? '*' : c.ids.size === 0 || c.ids.size > mostKept ? undefined : [...c.ids].join(','));

/** choiceOf reads it. */
export const choiceOf = (text: string | undefined): Chosen =>
  text === '*' ? { ids: new Set(), all: true } : text ? { ids: new Set(text.split(',')), all: false } : none;

/** Kept is where a choice is kept beside the page: in its address. */
export interface Kept {
  text: string | undefined;
  put: (text: string | undefined) => void;
}

export interface Selection extends Chosen {
  count: number; // of the rows that are shown; all says when there are more
  has: (id: string) => boolean;
  toggle: (id: string) => void;
  range: (id: string) => void; // from the last one to this one
  chooseAll: () => void; // all that match
  page: (on: boolean) => void; // all that are shown, or none
  clear: () => void;
}

/**
 * useSelection keeps what is chosen of a list, and offers Ctrl A and Escape. Rows that are not shown any more are not chosen
 * any more, so that nobody acts on what he does not see; key says the list anew, and with it that is chosen which its address says.
 */
export function useSelection(shown: readonly string[], key: string, kept: Kept, more: readonly Command[] = []): Selection {
  const [state, setState] = useState<{ key: string; chosen: Chosen }>({ key, chosen: choiceOf(kept.text) });
  const chosen = state.key === key ? state.chosen : choiceOf(kept.text);
  const latest = useRef(chosen); // two changes may come between two drawings
  latest.current = chosen;
  const change = (f: (c: Chosen) => Chosen) => {
    const next = f(latest.current);
    latest.current = next;
    setState({ key, chosen: next });
    kept.put(choiceText(next));
  };
  const set = (c: Chosen) => change(() => c);
  const here = chosen.all ? new Set(shown) : new Set(shown.filter((id) => chosen.ids.has(id)));
  const some = chosen.all || here.size > 0;
  const group = 'In this list';
  useCommands([
    { name: 'Choose all that match', group, keys: 'Ctrl A', run: () => shown.length > 0 && set({ ids: new Set(), all: true }) },
    ...(some ? [{ name: 'Choose none', group, keys: 'Esc', run: () => set(none) }] : []),
    ...more,
  ]);
  return {
    ids: here,
    all: chosen.all,
    ...(chosen.last === undefined ? {} : { last: chosen.last }),
    count: here.size,
    has: (id) => here.has(id),
    toggle: (id) => change((c) => toggled(c, id, shown)),
    range: (id) => change((c) => ranged(c, id, shown)),
    chooseAll: () => set({ ids: new Set(), all: true }),
    page: (on) => set(on ? { ids: new Set(shown), all: false } : none),
    clear: () => set(none),
  };
}
