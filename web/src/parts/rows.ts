/** The keys of lists that stand in a table. */
import { useCursor } from './cursor';
import type { Command } from './keys';
import css from './list.module.css';

interface Options {
  ids: readonly string[]; // as they are shown
  start?: string | undefined; // where one stands at first
  open: (id: string) => void;
  peek?: (id: string) => void; // looks at the row without leaving the list, or ends that
  toggle?: (id: string) => void;
  range?: (id: string) => void;
  sort?: () => void; // the next order
  filters?: false; // there are none
}

interface Row {
  className: string | undefined;
  'data-row': string;
  'data-here': true | undefined;
}

/** useRows walks the rows of a table, and gives each what marks it: ↑ ↓ j k, Enter, Space, x, f to its filters, s to the next order. */
export function useRows({ ids, start, open, peek, toggle, range, sort, filters }: Options): (id: string) => Row {
  const group = 'In this list';
  const more = (here: string | undefined): Command[] => [
    ...(peek ? [{ name: 'Look at the row, or stop', group, keys: 'Space', run: () => here !== undefined && peek(here) }] : []),
    ...(filters === false
      ? []
      : [{ name: 'Go to the filters', group, keys: 'f', run: () => document.querySelector<HTMLElement>('main [data-filters] :is(button, select)')?.focus() }]),
    ...(sort ? [{ name: 'Next order', group, keys: 's', run: sort }] : []),
  ];
  const here = useCursor({
    ids,
    ...(start ? { start } : {}),
    open,
    ...(toggle ? { toggle } : {}),
    ...(range ? { range } : {}),
    show: (i) => document.querySelector(`[data-row="${CSS.escape(ids[i] ?? '')}"]`)?.scrollIntoView({ block: 'nearest' }),
    more,
  });
  return (id) => ({ className: css.row, 'data-row': id, 'data-here': here === id || undefined });
}
