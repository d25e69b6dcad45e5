import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import css from './menu.module.css';

export interface Item {
  name: string;
  run: () => void;
  keys?: string; // printed beside it; the page offers it as a command itself
  why?: string; // why it cannot be done now
  apart?: boolean; // a line stands before it
}

interface Props {
  of: string; // what the row is called
  items: readonly Item[];
  open: boolean; // so that a key of the list can open it, too
  onOpen: (open: boolean) => void;
}

/** RowMenu is what can be done with a row, behind three dots. Keys walk it, Escape closes it, and the dots get the focus back. */
export function RowMenu({ of, items, open, onOpen }: Props) {
  const dots = useRef<HTMLButtonElement>(null);
  const close = () => {
    onOpen(false);
    dots.current?.focus();
  };
  return (
    <>
      <button
        ref={dots}
        type="button"
        className={css.dots}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={`Actions of ${of}`}
        onClick={() => onOpen(!open)}
      >
        ⋯
      </button>
      {open && dots.current && <Menu of={of} items={items} at={dots.current} close={close} />}
    </>
  );
}

function Menu({ of, items, at, close }: { of: string; items: readonly Item[]; at: HTMLElement; close: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number }>();
  const all = () => [...(box.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
  useLayoutEffect(() => {
    const from = at.getBoundingClientRect();
    const size = box.current?.getBoundingClientRect();
    if (!size) return;
    const below = from.bottom + 2 + size.height <= window.innerHeight;
    setPlace({
      left: Math.max(4, Math.min(from.right - size.width, window.innerWidth - size.width - 4)),
      top: Math.max(4, below ? from.bottom + 2 : from.top - 2 - size.height),
    });
  }, [at]);
  useEffect(() => {
    if (place) box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus(); // what is hidden takes no focus
  }, [place]);
  useEffect(() => {
    const away = (e: Event) => {
      if (e.target instanceof Node && !box.current?.contains(e.target) && !at.contains(e.target)) close();
    };
    document.addEventListener('pointerdown', away);
    window.addEventListener('resize', close);
    return () => {
      document.removeEventListener('pointerdown', away);
      window.removeEventListener('resize', close);
    };
  });
  const key = (e: KeyboardEvent) => {
    const list = all();
    const now = list.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: (now + 1) % list.length, ArrowUp: (now - 1 + list.length) % list.length, Home: 0, End: list.length - 1 }[e.key];
    e.stopPropagation(); // the keys of the list rest while it is open
    if (e.key === 'Escape' || e.key === 'ArrowLeft' || e.key === 'Tab') {
      e.preventDefault();
      close();
    } else if (to !== undefined) {
      e.preventDefault();
      list[to]?.focus();
    }
  };
  return createPortal(
    <div
      ref={box}
      className={css.menu}
      role="menu"
      tabIndex={-1}
      aria-label={`Actions of ${of}`}
      style={place ?? { visibility: 'hidden', left: 0, top: 0 }}
      onKeyDown={key}
    >
      {items.map((i) => (
        <div key={i.name} role="none" className={i.apart ? css.apart : ''}>
          <button
            type="button"
            role="menuitem"
            className={css.item}
            aria-disabled={i.why ? true : undefined}
            onClick={() => {
              if (i.why) return;
              close();
              i.run();
            }}
          >
            {i.name}
            {i.keys && <kbd>{i.keys}</kbd>}
            {i.why && <span className={css.why}>{i.why}</span>}
          </button>
        </div>
      ))}
    </div>,
    document.body,
  );
}
