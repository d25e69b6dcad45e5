import { type ReactNode, useRef, useState } from 'react';
import own from './job.module.css';
import css from './split.module.css';

const place = 'fleet.job-split';
const [least, most, step] = [20, 80, 5];

const within = (n: number) => Math.min(most, Math.max(least, Math.round(n)));

/** Split is two panes side by side with a bar between them that can be dragged, or moved by the arrow keys. */
export function Split({ left, right }: { left: ReactNode; right: ReactNode }) {
  const [share, setShare] = useState(() => within(Number(localStorage.getItem(place)) || 50));
  const box = useRef<HTMLDivElement>(null);
  const set = (n: number) => {
    setShare(within(n));
    localStorage.setItem(place, String(within(n)));
  };
  const drag = (e: React.PointerEvent) => {
    const b = box.current?.getBoundingClientRect();
    if (b && e.buttons === 1) set((100 * (e.clientX - b.left)) / b.width);
  };
  return (
    <div ref={box} className={own.panes} style={{ '--left': `${share}fr`, '--right': `${100 - share}fr` } as React.CSSProperties}>
      {left}
      {/* biome-ignore lint/a11y/useSemanticElements: a bar that moves is no rule between paragraphs */}
      <div
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label="Width of the panes"
        aria-valuenow={share}
        aria-valuemin={least}
        aria-valuemax={most}
        className={css.split}
        onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
        onPointerMove={drag}
        onDoubleClick={() => set(50)}
        onKeyDown={(e) => {
          if (e.key === 'ArrowLeft') set(share - step);
          else if (e.key === 'ArrowRight') set(share + step);
          else return;
          e.preventDefault();
        }}
      />
      {right}
    </div>
  );
}
