import { useEffect } from 'react';

/** useAgain asks again from time to time, as long as on: more of the same counts up, and notices are sent, without an event. */
export function useAgain(again: () => void, on: boolean): void {
  useEffect(() => {
    if (!on) return;
    const t = setInterval(again, 3000);
    return () => clearInterval(t);
  }, [again, on]);
}
