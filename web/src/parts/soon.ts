import { useEffect, useState } from 'react';

/** patience is how long nothing is shown of a wait: most answers come sooner, and what flashes is in the way. */
const patience = 150;

/** useSoon says whether a wait has become long enough to be shown. of is what is waited for: another one begins anew. */
export function useSoon(ms = patience, of: number | string = ''): boolean {
  const [long, set] = useState<number | string>();
  useEffect(() => {
    const t = setTimeout(() => set(of), ms);
    return () => clearTimeout(t);
  }, [ms, of]);
  return long === of;
}
