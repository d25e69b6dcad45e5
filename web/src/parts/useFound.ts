import { useEffect, useState } from 'react';
import { call, type Schemas } from '../api/client';

/** pause is how long the server is not asked after a key was pressed. */
const pause = 80;

export interface Answer {
  of: string; // what was looked for
  list: readonly Schemas['Found'][];
}

/** useFound looks on the server for what begins with a text; undefined: nothing was looked for, or nobody answered. */
export function useFound(text: string): Answer | undefined {
  const typed = text.trim().slice(0, 100);
  const [found, setFound] = useState<Answer>();
  useEffect(() => {
    if (typed === '') {
      setFound(undefined);
      return;
    }
    const end = new AbortController();
    const timer = setTimeout(() => {
      call<Schemas['FindAnswer']>('GET', `/search?q=${encodeURIComponent(typed)}`, undefined, end.signal)
        .then((a) => setFound({ of: typed, list: a.found }))
        .catch(() => undefined); // what was found before stays
    }, pause);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [typed]);
  return found;
}
