import { useCallback, useRef, useState } from 'react';

/** useHeld keeps the order of a list while it is held, and says how many would move. A new question (key) lets go. */
export function useHeld(ids: readonly string[], hold: boolean, key: string): { ids: readonly string[]; waiting: number; apply: () => void } {
  const kept = useRef({ ids, key });
  const [, draw] = useState(0);
  const latest = useRef(ids);
  latest.current = ids;
  if (!hold || kept.current.key !== key || kept.current.ids.length === 0) kept.current = { ids, key };
  const apply = useCallback(() => {
    kept.current = { ...kept.current, ids: latest.current };
    draw((n) => n + 1);
  }, []);
  const shown = kept.current.ids;
  return { ids: shown, waiting: shown === ids ? 0 : moved(shown, ids), apply };
}

/** moved counts who is in one list only, or stands elsewhere when both have the same members. */
export function moved(a: readonly string[], b: readonly string[]): number {
  const before = new Set(a);
  const after = new Set(b);
  const other = a.filter((x) => !after.has(x)).length + b.filter((x) => !before.has(x)).length;
  return other > 0 ? other : a.filter((x, i) => x !== b[i]).length;
}
