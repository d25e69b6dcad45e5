import { type KeyboardEvent, type PointerEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { exact } from '../../parts/Time';
import { label } from '../../parts/words';
import { spanAt, stack, states, tones, top } from './histogram';
import css from './jobs.module.css';

interface Props {
  data: Schemas['JobHistogram'];
  brushed: boolean; // a time was chosen
  onSpan: (span: { from: string; to: string }) => void;
  onClear: () => void;
}

/** Histogram is how many jobs there were when, stacked by state. A brush over it, by pointer or by key, chooses a time. */
export function Histogram({ data, brushed, onSpan, onClear }: Props) {
  const [brush, setBrush] = useState<{ a: number; b: number }>();
  const [table, setTable] = useState(false);
  const n = data.buckets.length;
  const most = top(data);
  const known = states(data);
  const say = `${data.counted} jobs from ${exact(data.from)} to ${exact(data.to)}: ${known.map((s) => `${s.count} ${label(s.state).toLowerCase()}`).join(', ') || 'none'}.`;
  const at = (e: PointerEvent<SVGSVGElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    return Math.max(0, Math.min(n - 1, Math.floor(((e.clientX - box.left) / box.width) * n)));
  };
  const choose = (s: { a: number; b: number }) => {
    setBrush(undefined);
    onSpan(spanAt(data, s.a, s.b));
  };
  const key = (e: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (step !== undefined) {
      const b = Math.max(0, Math.min(n - 1, (brush?.b ?? (step > 0 ? -1 : n)) + step));
      setBrush({ a: e.shiftKey && brush ? brush.a : b, b });
    } else if (e.key === 'Enter' && brush) choose(brush);
    else if (e.key === 'Escape' && brush) setBrush(undefined);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <section className={css.histogram} aria-label="Jobs over time">
      {table ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        <section className={css.table} aria-label="Jobs over time, as a table" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th>From</th>
                {known.map((s) => (
                  <th key={s.state}>{label(s.state)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.buckets.map((b) => (
                <tr key={b.at}>
                  <td>{exact(b.at)}</td>
                  {known.map((s) => (
                    <td key={s.state}>{b.counts[s.state] ?? 0}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <div
          role="slider"
          tabIndex={0}
          aria-label={`${say} Arrow keys choose a time, Shift widens it, Enter applies it.`}
          aria-valuemin={0}
          aria-valuemax={n - 1}
          aria-valuenow={brush?.b ?? n - 1}
          aria-valuetext={brush ? `${exact(spanAt(data, brush.a, brush.b).from)} to ${exact(spanAt(data, brush.a, brush.b).to)}` : 'no time is chosen'}
          onKeyDown={key}
        >
          <svg
            viewBox={`0 0 ${n} 1`}
            preserveAspectRatio="none"
            aria-hidden="true"
            onPointerDown={(e) => {
              e.currentTarget.setPointerCapture(e.pointerId);
              setBrush({ a: at(e), b: at(e) });
            }}
            onPointerMove={(e) => brush && e.buttons > 0 && setBrush({ ...brush, b: at(e) })}
            onPointerUp={(e) => brush && choose({ ...brush, b: at(e) })}
          >
            {data.buckets.map((b, i) =>
              stack(b.counts, most).map((s) => (
                <rect key={`${b.at} ${s.state}`} data-tone={tones[s.state]} x={i + 0.08} width={0.84} y={s.y} height={s.h}>
                  <title>{`${exact(b.at)}: ${label(s.state)} ${s.count}`}</title>
                </rect>
              )),
            )}
            {brush && <rect className={css.brush} x={Math.min(brush.a, brush.b)} width={Math.abs(brush.a - brush.b) + 1} y={0} height={1} />}
          </svg>
        </div>
      )}
      <div className={css.line}>
        <span>{exact(data.from).slice(0, 16)}</span>
        <ul>
          {known.map((s) => (
            <li key={s.state}>
              <span className={css.key} aria-hidden="true">
                <svg viewBox="0 0 1 1" aria-hidden="true">
                  <rect width="1" height="1" data-tone={tones[s.state]} />
                </svg>
              </span>{' '}
              {label(s.state)} {s.count}
            </li>
          ))}
        </ul>
        <span>
          {data.counted_by === 'ended' ? 'By when they ended. ' : ''}
          {!data.whole && data.counted_from && `The newest ${data.counted}, back to ${exact(data.counted_from)}; there are more.`}
        </span>
        <span className={css.grow} />
        {brushed && (
          <button type="button" className={css.slim} onClick={onClear}>
            Whole range
          </button>
        )}
        <button type="button" className={css.slim} aria-pressed={table} onClick={() => setTable(!table)}>
          View as table
        </button>
        <span>{exact(data.to).slice(0, 16)}</span>
      </div>
    </section>
  );
}
