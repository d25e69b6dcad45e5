import { useEffect, useId, useRef, useState } from 'react';
import css from './popup.module.css';

export interface Item {
  name: string;
  keys?: string;
  run: () => void;
  why?: string; // why it cannot be done now
}

/** Menu is a button with things to do behind it. Arrows walk them, Escape gives the focus back. */
export function Menu({ label, short, items, disabled }: { label: string; short?: string; items: readonly Item[]; disabled?: boolean }) {
  const [open, setOpen] = useState(false);
  const [place, setPlace] = useState<React.CSSProperties>({});
  const box = useRef<HTMLSpanElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLButtonElement>('[role=menuitem]:not(:disabled)')?.focus();
    const out = (e: PointerEvent) => {
      if (!box.current?.contains(e.target as Node)) setOpen(false);
    };
    const moved = (e: Event) => {
      if (!box.current?.contains(e.target as Node)) setOpen(false); // it stands beside a button that is elsewhere now
    };
    document.addEventListener('pointerdown', out);
    document.addEventListener('scroll', moved, true);
    return () => {
      document.removeEventListener('pointerdown', out);
      document.removeEventListener('scroll', moved, true);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    box.current?.querySelector<HTMLButtonElement>('button')?.focus();
  };
  const keys = (e: React.KeyboardEvent) => {
    const list = [...(box.current?.querySelectorAll<HTMLButtonElement>('[role=menuitem]:not(:disabled)') ?? [])];
    const at = list.indexOf(document.activeElement as HTMLButtonElement);
    if (e.key === 'ArrowDown') list[(at + 1) % list.length]?.focus();
    else if (e.key === 'ArrowUp') list[(at - 1 + list.length) % list.length]?.focus();
    else if (e.key === 'Home') list[0]?.focus();
    else if (e.key === 'End') list.at(-1)?.focus();
    else if (e.key === 'Escape') close();
    else if (e.key === 'Tab') return setOpen(false);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <span className={css.menuBox} ref={box}>
      <button
        type="button"
        aria-label={short && label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        disabled={disabled}
        onClick={(e) => {
          setPlace(beside(e.currentTarget.getBoundingClientRect(), items.length));
          setOpen(!open);
        }}
      >
        {short ?? `${label} ▾`}
      </button>
      {open && (
        <div role="menu" id={id} aria-label={label} tabIndex={-1} className={css.menu} style={place} onKeyDown={keys}>
          {items.map((i) => (
            <button
              key={i.name}
              type="button"
              role="menuitem"
              disabled={i.why !== undefined}
              title={i.why}
              onClick={() => {
                close();
                i.run();
              }}
            >
              <span>{i.name}</span> {i.keys && <kbd>{i.keys}</kbd>}
            </button>
          ))}
        </div>
      )}
    </span>
  );
}

/** beside is where a menu has room: under its button or over it, and within the window. A part that scrolls does not cut it off. */
function beside(b: DOMRect, items: number): React.CSSProperties {
  const [width, height] = [document.documentElement.clientWidth, document.documentElement.clientHeight];
  const tall = 32 * items + 16;
  const side = b.right > 240 ? { right: width - b.right } : { left: Math.max(8, Math.min(b.left, width - 240)) };
  return b.bottom + tall > height && b.top > tall ? { bottom: height - b.top + 4, ...side } : { top: b.bottom + 4, ...side };
}
