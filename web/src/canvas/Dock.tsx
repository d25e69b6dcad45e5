import { type ReactNode, useEffect, useRef, useState } from 'react';
import css from './dock.module.css';
import { type DockPlace, keepDock, keptDock, least, moved, within } from './dockplace';
import type { Panel } from './search';
import ui from './ui.module.css';

const panels = [
  ['node', 'Node', 'Enter'],
  ['placement', 'Placement', 'R'],
  ['picker', 'Robot Picker', 'P'],
] as const;

/** Dock holds the panels beside the graph, on either side of it or floating over it. Where it was is kept in this browser. */
export function Dock({
  panel,
  narrow,
  onPanel,
  children,
}: {
  panel: Panel | undefined;
  narrow: boolean;
  onPanel: (p: Panel | undefined) => void;
  children: ReactNode;
}) {
  const [place, setPlace] = useState<DockPlace>(keptDock);
  const box = useRef<HTMLElement>(null);
  const from = useRef<{ x: number; y: number; place: DockPlace }>(undefined);
  const open = panel !== undefined;
  const floating = open && !narrow && place.floating;
  const room = () => {
    const r = box.current?.parentElement?.getBoundingClientRect();
    return { width: r?.width ?? window.innerWidth, height: r?.height ?? window.innerHeight };
  };
  const put = (p: DockPlace) => {
    const next = within(p, room());
    setPlace(next);
    keepDock(next);
  };
  // What is resized by its corner is kept, too.
  useEffect(() => {
    const el = box.current;
    if (!el || !open || narrow || typeof ResizeObserver === 'undefined') return;
    const o = new ResizeObserver(() => {
      const [width, height] = [el.offsetWidth, el.offsetHeight];
      setPlace((was) => {
        const next = floating ? { ...was, width, height } : { ...was, docked: width };
        if (next.width === was.width && next.height === was.height && next.docked === was.docked) return was;
        keepDock(next);
        return next;
      });
    });
    o.observe(el);
    return () => o.disconnect();
  }, [open, narrow, floating]);
  const keys = (e: React.KeyboardEvent) => {
    const step = { ArrowLeft: [-16, 0], ArrowRight: [16, 0], ArrowUp: [0, -16], ArrowDown: [0, 16] }[e.key];
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    if (floating) put(moved(place, step[0] ?? 0, step[1] ?? 0));
    else if (step[0]) put({ ...place, side: step[0] < 0 ? 'left' : 'right' });
  };
  const style = floating
    ? { left: place.x, top: place.y, width: place.width, height: place.height }
    : open && !narrow
      ? { width: place.docked, order: place.side === 'left' ? -1 : 0 }
      : { order: !narrow && place.side === 'left' ? -1 : 0 };
  return (
    <aside
      ref={box}
      className={css.right}
      aria-label="Panels"
      data-open={open || undefined}
      data-floating={floating || undefined}
      data-side={place.side}
      style={style}
    >
      <div className={css.head}>
        <div role="tablist" aria-label="Panels" className={ui.tabs}>
          {panels.map(([p, label, key]) => (
            <button
              key={p}
              type="button"
              role="tab"
              aria-selected={panel === p}
              title={`${label} (${key})`}
              onClick={() => onPanel(panel === p ? undefined : p)}
            >
              {label}
            </button>
          ))}
        </div>
        {open && (
          <div className={css.acts}>
            {!narrow && (
              <>
                <button
                  type="button"
                  className={css.grip}
                  aria-label={floating ? 'Move the panel: arrow keys, or drag' : 'Move the panel to the other side: ← or →, or drag it out'}
                  title={floating ? 'Drag, or arrow keys' : 'Drag it out, or ← → for a side'}
                  onKeyDown={keys}
                  onPointerDown={(e) => {
                    e.currentTarget.setPointerCapture(e.pointerId);
                    from.current = { x: e.clientX, y: e.clientY, place };
                  }}
                  onPointerMove={(e) => {
                    const f = from.current;
                    if (!f) return;
                    const [dx, dy] = [e.clientX - f.x, e.clientY - f.y];
                    if (!f.place.floating) {
                      if (Math.hypot(dx, dy) < 24) return;
                      const r = box.current?.getBoundingClientRect();
                      const p = box.current?.parentElement?.getBoundingClientRect();
                      f.place = { ...f.place, floating: true, x: (r?.left ?? 0) - (p?.left ?? 0), y: (r?.top ?? 0) - (p?.top ?? 0) };
                    }
                    put(moved(f.place, dx, dy));
                  }}
                  onPointerUp={() => {
                    from.current = undefined;
                  }}
                  onPointerCancel={() => {
                    from.current = undefined;
                  }}
                >
                  ⠿
                </button>
                <button
                  type="button"
                  className={ui.icon}
                  aria-label={floating ? 'Dock the panel' : 'Float the panel'}
                  title={floating ? 'Dock' : 'Float'}
                  onClick={() => put(floating ? { ...place, floating: false } : { ...place, floating: true, ...least(place, room()) })}
                >
                  ▢
                </button>
              </>
            )}
            <button type="button" className={ui.icon} aria-label="Close the panel" title="Close" onClick={() => onPanel(undefined)}>
              ✕
            </button>
          </div>
        )}
      </div>
      {children}
    </aside>
  );
}
