/** Who is chosen of the list of robots. The address says it, where there are few enough; what it cannot hold the page keeps. */
import { useMemo, useRef, useState } from 'react';
import { type Chosen, none, ranged, toggled } from '../../parts/selection';
import { choiceText, type RobotSearch, words } from './rows';
import { useStable } from './use';

export interface Choice {
  ids: ReadonlySet<string>; // empty where all that match are chosen
  isAll: boolean;
  count: number; // Infinity: all that match
  has: (id: string) => boolean;
  toggle: (id: string, shown: readonly string[]) => void;
  range: (id: string, shown: readonly string[]) => void;
  all: () => void;
  clear: () => void;
  only: (id: string) => void;
}

export function useChoice(search: RobotSearch, set: (more: { sel: string | undefined }) => void): Choice {
  const [own, setOwn] = useState<Chosen>(none);
  const text = search.sel;
  const chosen = useMemo<Chosen>(() => {
    const last = own.last === undefined ? {} : { last: own.last };
    if (text === '*') return { ids: new Set(), all: true, ...last };
    if (text) return { ids: new Set(words(text)), all: false, ...last };
    return own.ids.size > 0 && choiceText(own.ids, false) === undefined ? own : { ...none, ...last };
  }, [text, own]);
  const latest = useRef(chosen); // two changes may come between two drawings
  latest.current = chosen;
  const put = useStable((c: Chosen) => {
    latest.current = c;
    setOwn(c);
    set({ sel: choiceText(c.ids, c.all) });
  });
  return useMemo(
    () => ({
      ids: chosen.ids,
      isAll: chosen.all,
      count: chosen.all ? Number.POSITIVE_INFINITY : chosen.ids.size,
      has: (id) => chosen.all || chosen.ids.has(id),
      toggle: (id, shown) => put(toggled(latest.current, id, shown)),
      range: (id, shown) => put(ranged(latest.current, id, shown)),
      all: () => put({ ids: new Set(), all: true }),
      clear: () => put(none),
      only: (id) => put({ ids: new Set([id]), all: false, last: id }),
    }),
    [chosen, put],
  );
}
