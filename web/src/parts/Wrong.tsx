import type { ReactNode } from 'react';
import css from './parts';

/** Wrong puts what is wrong with a field under it. */
export function Wrong({ say, children }: { say: string | undefined; children: ReactNode }) {
  return (
    <>
      {children}
      {say && (
        <p className={css.bad} role="alert">
          {say}
        </p>
      )}
    </>
  );
}
