import { useCallback, useEffect, useState } from 'react';
import { Refusal } from '../api/client';

export interface Asked<T> {
  data: T | undefined;
  error: Refusal | undefined;
  asOf: string; // when data was read
  again: () => void;
}

/** useAsk asks when key changes, and every few milliseconds after an answer. What it has stays when a later question fails. */
export function useAsk<T>(key: string, ask: (signal: AbortSignal) => Promise<T>, every = 0): Asked<T> {
  const [got, setGot] = useState<{ key: string; data?: T; error?: Refusal; asOf: string }>({ key, asOf: '' });
  const [n, setN] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: key says all of ask; n asks once more
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const data = await ask(end.signal);
        if (!end.signal.aborted) setGot({ key, data, asOf: new Date().toLocaleTimeString() });
      } catch (e) {
        if (end.signal.aborted) return;
        const error = e instanceof Refusal ? e : new Refusal(String(e), 0, '', '');
        setGot((was) => ({ key, error, asOf: was.asOf, ...(was.key === key && was.data !== undefined ? { data: was.data } : {}) }));
      }
      if (every > 0 && !end.signal.aborted) timer = setTimeout(look, document.hidden ? 10 * every : every);
    };
    void look();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [key, n, every]);
  const mine = got.key === key;
  return {
    data: mine ? got.data : undefined,
    error: mine ? got.error : undefined,
    asOf: got.asOf,
    again: useCallback(() => setN((x) => x + 1), []),
  };
}
