import { type ReactNode, useEffect, useRef } from 'react';
import css from './drawer.module.css';
import { useCommands } from './keys';

/** Drawer is one thing of a list, at the side of the page. Escape closes it, and the focus goes back to where it was. */
export function Drawer({ label, onClose, children }: { label: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useCommands([{ name: 'Close the drawer', group: 'Here', keys: 'Esc', run: onClose }]);
  return (
    <aside ref={ref} className={css.drawer} aria-label={label} tabIndex={-1}>
      {children}
    </aside>
  );
}
