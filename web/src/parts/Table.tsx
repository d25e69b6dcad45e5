import { type ReactElement, type ReactNode, useEffect, useRef } from 'react';
import css from './parts';
import { Scroll } from './Scroll';

/** Head is what stands over a column: a word, the word over numbers, or something to press. */
export type Head = string | { number: string } | ReactElement;

interface Props {
  label: string;
  heads: readonly Head[];
  children: ReactNode; // rows
  className?: string;
}

const word = (h: Head | undefined) => (typeof h === 'string' ? h : h && 'number' in h ? h.number : '');

const roles: Readonly<Record<string, string>> = { TABLE: 'table', THEAD: 'rowgroup', TBODY: 'rowgroup', TR: 'row' };

/** name says in each cell what its column is, for a narrow screen, where a row is lines and the heads are not seen. It stays a table for who listens. */
function name(table: HTMLTableElement, words: readonly string[]): void {
  const play = (e: Element, role = roles[e.tagName] ?? '') => e.hasAttribute('role') || e.setAttribute('role', role);
  play(table);
  for (const part of table.children) play(part);
  for (const row of table.rows) {
    play(row);
    for (const c of row.cells) {
      play(c, c.tagName === 'TD' ? 'cell' : row.parentElement?.tagName === 'THEAD' ? 'columnheader' : 'rowheader');
      c.dataset.column = c.colSpan > 1 ? '' : (words[c.cellIndex] ?? '');
    }
  }
}

/** Table is a list of rows. On a narrow screen each row becomes lines: its first cell, and the others below with the words of their columns. */
export function Table({ label, heads, children, className }: Props) {
  const table = useRef<HTMLTableElement>(null);
  const words = heads.map(word).join('\n');
  useEffect(() => {
    const t = table.current;
    if (!t) return;
    const all = () => name(t, words.split('\n'));
    all();
    const seen = new MutationObserver(all);
    seen.observe(t, { childList: true, subtree: true });
    return () => seen.disconnect();
  }, [words]);
  return (
    <Scroll label={label} className={className ?? css.tableBox ?? ''}>
      <table ref={table} className={`${css.table} ${css.lines}`}>
        <thead>
          <tr>
            {heads.map((h, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns have nothing else
              <th key={i} scope="col" data-number={(typeof h === 'object' && 'number' in h) || undefined}>
                {typeof h === 'object' && 'number' in h ? h.number : h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  );
}
