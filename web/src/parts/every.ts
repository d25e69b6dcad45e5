import { useEffect, useRef } from 'react';
import { hidden } from './shown';

/** useEvery does something now and then, while somebody looks: for what the server gathers by the minute and no fact tells of. */
export function useEvery(ms: number, run: () => void): void {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const t = setInterval(() => {
      if (!hidden()) latest.current();
    }, ms);
    return () => clearInterval(t);
  }, [ms]);
}
