import { useEffect, useRef } from 'react';
import type { CanvasSearch, Panel } from './search';

/** What gets the focus in a panel that was opened by key. */
const first: Readonly<Record<Panel | 'name', string>> = {
  node: ':is(input, select, textarea):not(:disabled):not([data-rename])',
  placement: 'input[type="radio"]:checked',
  picker: 'input[type="radio"]:checked',
  name: '[data-rename]',
};

/** Panels are shown by the address. Who opens one by key is in it. */
export interface Panels {
  panel: Panel | undefined;
  show: (p: Panel | undefined) => void;
  enter: (to: Panel | 'name') => void;
  toggle: (p: Panel) => void;
}

/** usePanels shows the panels of the dock. */
export function usePanels(
  panel: Panel | undefined,
  root: React.RefObject<HTMLElement | null>,
  back: () => void,
  onSearch: (change: CanvasSearch) => void,
): Panels {
  const wanted = useRef<Panel | 'name'>(undefined);
  const focus = (to: Panel | 'name') => {
    wanted.current = undefined;
    const body = root.current?.querySelector('[role="tabpanel"]:not([aria-label="Log"]):not([aria-label="Nodes"])');
    (body?.querySelector<HTMLElement>(first[to]) ?? body?.querySelector<HTMLElement>('input, select, textarea, button'))?.focus();
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once the panel is there
  useEffect(() => {
    if (wanted.current) focus(wanted.current);
  }, [panel]);
  const show = (p: Panel | undefined) => onSearch({ panel: p });
  const enter = (to: Panel | 'name') => {
    const p = to === 'name' ? 'node' : to;
    if (p === panel) return focus(to);
    wanted.current = to;
    show(p);
  };
  return {
    panel,
    show,
    enter,
    toggle: (p) => {
      if (p !== panel) return enter(p);
      show(undefined);
      back();
    },
  };
}
