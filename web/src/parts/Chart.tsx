import { type ReactNode, useState } from 'react';
import css from './chart.module.css';

export interface Series {
  name: string;
  tone: string; // a tone of chart.module.css
  values: readonly number[];
  has?: readonly boolean[]; // where there is a value; left out: as the chart says
}

interface Props {
  title: string;
  say: string; // the chart in a sentence, for who cannot see it
  labels: readonly string[];
  series: readonly Series[];
  unit: (n: number) => string;
  children?: ReactNode;
}

const width = 600;
const height = 140;
const left = 4;

/** most is a round number that no value exceeds. */
export function most(values: readonly number[]): number {
  const top = Math.max(1e-9, ...values);
  const power = 10 ** Math.floor(Math.log10(top));
  return ([1, 2, 5, 10].find((m) => m * power >= top * (1 - 1e-12)) ?? 10) * power;
}

function Frame({ title, say, labels, series, unit, children, draw, top, empty }: Props & { draw: ReactNode; top: number; empty: boolean }) {
  const [table, setTable] = useState(false);
  return (
    <section className={css.chart} aria-label={title}>
      <div className={css.head}>
        <h2>{title}</h2>
        <span className={css.grow} />
        <button type="button" aria-pressed={table} onClick={() => setTable(!table)}>
          View as table
        </button>
      </div>
      {table ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        <section className={css.table} aria-label={`${title}, as a table`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th>When</th>
                {series.map((s) => (
                  <th key={s.name}>{s.name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map((l, i) => (
                <tr key={l}>
                  <td>{l}</td>
                  {series.map((s) => (
                    <td key={s.name}>{unit(s.values[i] ?? 0)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : empty ? (
        <p className={css.empty}>Nothing yet.</p>
      ) : (
        <>
          <div className={css.mark} aria-hidden="true">
            {unit(top)}
          </div>
          <div className={css.draw} role="img" aria-label={say}>
            {draw}
          </div>
          <div className={css.axis} aria-hidden="true">
            <span>{labels[0]}</span>
            <span>{labels.at(-1)}</span>
          </div>
          <ul className={css.legend}>
            {series.map((s) => (
              <li key={s.name}>
                <span className={css.key} data-tone={s.tone} aria-hidden="true" /> {s.name}
              </li>
            ))}
          </ul>
        </>
      )}
      {children}
    </section>
  );
}

/** Bars are stacked, one stack for each label. */
export function Bars(p: Props) {
  const sums = p.labels.map((_, i) => p.series.reduce((sum, s) => sum + (s.values[i] ?? 0), 0));
  const top = most(sums);
  const step = (width - left) / Math.max(1, p.labels.length);
  return (
    <Frame
      {...p}
      top={top}
      empty={sums.every((n) => n === 0)}
      draw={
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <Grid />
          {p.labels.map((l, i) => {
            let y = height;
            return p.series.map((s) => {
              const v = s.values[i] ?? 0;
              const h = (v / top) * (height - 16);
              y -= h;
              return v > 0 ? (
                <rect key={l + s.name} data-tone={s.tone} x={left + i * step + step * 0.1} width={step * 0.8} y={y} height={h}>
                  <title>{`${l}: ${s.name} ${p.unit(v)}`}</title>
                </rect>
              ) : null;
            });
          })}
        </svg>
      }
    />
  );
}

/** Lines are drawn over one axis, which reaches up to least at least. A place without a value is a gap, not a zero. */
export function Lines(p: Props & { has: readonly boolean[]; least?: number }) {
  const known = p.series.flatMap((s) => s.values.filter((_, i) => (s.has ?? p.has)[i]));
  const top = Math.max(p.least ?? 0, known.some((v) => v > 0) ? most(known) : 1); // zeros are a line at the bottom
  const x = (i: number) => left + ((width - 2 * left) * i) / Math.max(1, p.labels.length - 1);
  const y = (v: number) => height - (v / top) * (height - 16);
  return (
    <Frame
      {...p}
      top={top}
      empty={known.length === 0}
      draw={
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <Grid />
          {p.series.map((s) => {
            let path = '';
            const has = s.has ?? p.has;
            p.labels.forEach((_, i) => {
              if (has[i]) path += `${has[i - 1] && path ? 'L' : 'M'}${x(i).toFixed(1)} ${y(s.values[i] ?? 0).toFixed(1)}`;
            });
            return (
              <g key={s.name}>
                <path d={path} data-tone={s.tone} fill="none" />
                {p.labels.map((l, i) => has[i] && !has[i - 1] && !has[i + 1] && <circle key={l} data-tone={s.tone} cx={x(i)} cy={y(s.values[i] ?? 0)} r="2" />)}
              </g>
            );
          })}
        </svg>
      }
    />
  );
}

function Grid() {
  return (
    <g>
      <line x1="0" x2={width} y1="16" y2="16" className={css.rule} />
      <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} className={css.rule} />
    </g>
  );
}
