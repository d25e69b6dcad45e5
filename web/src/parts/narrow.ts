import { useState, useSyncExternalStore } from 'react';

/** useNarrow says whether the screen has room for two lines rather than many columns. */
export function useNarrow(): boolean {
  const [m] = useState(() => window.matchMedia('(max-width: 899px)'));
  return useSyncExternalStore(
    (f) => {
      m.addEventListener('change', f);
      return () => m.removeEventListener('change', f);
    },
    () => m.matches,
  );
}
