import { type KeyboardEvent, type PointerEvent, useState } from 'react';
import { clock } from '../../parts/Time';
import { lasted, span } from '../../parts/words';
import css from './job.module.css';
import type { Scale, View } from './timeline';
import own from './timeline.module.css';

const step = 2; // percent that an arrow key moves by

interface Props {
  scale: Scale;
  top: boolean; // the upper one can be brushed, the lower one only tells
  zoomed: boolean;
  onZoom: (v: View | undefined) => void;
}

/** TimeAxis tells which time stands where. Drag over it, or use the keys, to look at a part. */
export function TimeAxis({ scale, top, zoomed, onZoom }: Props) {
  const [brush, setBrush] = useState<{ a: number; b: number }>();
  const fine = scale.to - scale.from < 10_000;
  const word = (t: number) => clock(t) + (fine ? `.${String(Math.floor(t) % 1000).padStart(3, '0')}` : '');
  const marks = (
    <>
      {scale.ticks.map((t) => (
        <span key={t.at} style={{ left: `${t.at}%` }}>
          {word(t.t)}
        </span>
      ))}
    </>
  );
  if (!top)
    return (
      <div className={css.axis} data-fine={fine || undefined} aria-hidden="true">
        {marks}
      </div>
    );
  const choose = (b: { a: number; b: number }) => {
    setBrush(undefined);
    const [from, to] = [scale.time(Math.min(b.a, b.b)), scale.time(Math.max(b.a, b.b))];
    if (Math.abs(b.a - b.b) >= 1 && to - from >= 1) onZoom({ from, to });
  };
  const at = (e: PointerEvent) => {
    const box = e.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(100, (100 * (e.clientX - box.left)) / Math.max(1, box.width)));
  };
  const key = (e: KeyboardEvent) => {
    const by = { ArrowLeft: -step, ArrowRight: step }[e.key];
    if (by !== undefined) {
      const b = Math.max(0, Math.min(100, (brush?.b ?? (by > 0 ? 0 : 100)) + by));
      setBrush({ a: e.shiftKey ? (brush?.a ?? (by > 0 ? 0 : 100)) : b, b });
    } else if (e.key === 'Enter' && brush) choose(brush);
    else if (e.key === 'Escape' && (brush || zoomed)) {
      if (brush) setBrush(undefined);
      else onZoom(undefined);
    } else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const [a, b] = brush ? [Math.min(brush.a, brush.b), Math.max(brush.a, brush.b)] : [0, 0];
  return (
    <div
      role="slider"
      tabIndex={0}
      className={`${css.axis} ${own.brushed}`}
      data-fine={fine || undefined}
      data-gaps={scale.gaps.length > 0 || undefined}
      aria-label="Time. Arrow keys move, Shift chooses a part, Enter shows it, Escape shows all again."
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(brush?.b ?? 100)}
      aria-valuetext={brush ? `${word(scale.time(a))} to ${word(scale.time(b))}` : `${word(scale.from)} to ${word(scale.to)}, ${span(scale.to - scale.from)}`}
      onKeyDown={key}
      onPointerDown={(e) => {
        if (e.button !== 0) return;
        e.currentTarget.setPointerCapture(e.pointerId);
        setBrush({ a: at(e), b: at(e) });
      }}
      onPointerMove={(e) => brush && e.buttons > 0 && setBrush({ ...brush, b: at(e) })}
      onPointerUp={(e) => brush && choose({ ...brush, b: at(e) })}
    >
      {marks}
      {scale.gaps.map((g) => (
        <em key={`g${g.from}`} className={own.gapWord} style={{ left: `${(g.from + g.to) / 2}%` }} title={`${lasted(g.ms)} without work are folded`}>
          ⋯ {lasted(g.ms)}
        </em>
      ))}
      {brush && <em className={own.brush} style={{ left: `${a}%`, width: `${b - a}%` }} />}
    </div>
  );
}
