import type { ReactNode } from 'react';
import css from './list.module.css';
import { type Head, Table } from './Table';

const widths = [70, 45, 60, 35, 55, 40, 65, 50];

/** Skeleton stands in for a table that is not there yet: its columns, and rows without words. It is not seen for the first moment. */
export function Skeleton({ what, heads, rows = 8 }: { what: string; heads: readonly Head[]; rows?: number }) {
  return (
    <>
      <p className={css.unseen} role="status">
        Loading {what}…
      </p>
      <div className={css.waiting} aria-hidden="true" inert>
        <Table label={what} heads={heads}>
          {Array.from({ length: rows }, (_, r) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows without words have nothing else
            <tr key={r}>
              {heads.map((_, c) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: nor have cells
                <td key={c}>
                  <span data-bone style={{ width: `${widths[(r + 3 * c) % widths.length]}%` }} />
                </td>
              ))}
            </tr>
          ))}
        </Table>
      </div>
    </>
  );
}

/** Old dims what was read before, while a newer answer fails: it is what was, not what is. */
export function Old({ when, children }: { when: boolean; children: ReactNode }) {
  return (
    <div className={css.old} data-old={when || undefined}>
      {children}
    </div>
  );
}
