import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import parts from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { exact, serverNow } from '../../parts/Time';
import { label } from '../../parts/words';
import { drawn, measure } from './health';
import { away, type LaneBar, lanes, modes, percentOf, type Span } from './machine';
import css from './machine.module.css';
import { type Span as Range, spans } from './tabs';

const names: Record<Range, string> = { '15m': '15 minutes', '1h': '1 hour', '6h': '6 hours', '24h': '24 hours', '7d': '7 days' };

interface Props {
  id: string;
  mode: string;
  since: number; // when it became known, ms
  range: Range;
  onRange: (r: Range) => void;
  events: readonly Schemas['Event'][];
  jobs: readonly Schemas['Job'][];
}

/** Machine is how the machine of a robot was: processor, memory and jobs over one time, with one cursor for all of them. */
export function Machine({ id, mode, since, range, onRange, events, jobs }: Props) {
  const [table, setTable] = useState(false);
  const figures = useLive<Schemas['RobotFigures']>(`/robots/${id}/metrics ${range}`, {
    topics: [],
    ask: (s) => call('GET', `/robots/${encodeURIComponent(id)}/metrics?range=${range}`, undefined, s),
    take: () => undefined,
  });
  const h = figures.data?.history;
  return (
    <section className={css.card} aria-label="Its machine and slots">
      <div className={parts.bar}>
        <h2>Its machine and slots</h2>
        {spans.map((r) => (
          <button key={r} type="button" aria-pressed={r === range} onClick={() => onRange(r)}>
            {names[r]}
          </button>
        ))}
        <span className={parts.grow} />
        <button type="button" aria-pressed={table} onClick={() => setTable(!table)}>
          View as table
        </button>
      </div>
      {figures.error && <Fault error={figures.error} asOf={h ? figures.asOf : ''} again={figures.again} />}
      {!h && !figures.error && <Loading what="its history" />}
      {h && <Charts history={h} mode={mode} since={since} events={events} jobs={jobs} table={table} />}
    </section>
  );
}

type History = Schemas['RobotHistory'];

function Charts({ history, mode, since, events, jobs, table }: { history: History; table: boolean } & Pick<Props, 'mode' | 'since' | 'events' | 'jobs'>) {
  const d = drawn(history);
  const step = 1000 * history.step_seconds;
  const [from, to] = [Date.parse(history.from), Math.max(Date.parse(history.to), d.at.at(-1) ?? 0)];
  const gone = away(d.at, d.has, step, since).filter((s) => s.to <= serverNow() - step || s.to - s.from > step);
  const shaded = [...gone, ...modes(events, mode, from, to)];
  const rows = lanes(jobs, from, to);
  const [cursor, setCursor] = useState<number>();
  const i = cursor ?? -1;
  const time = (t: number) => (to - from > 26 * 3600_000 ? exact(t).slice(5, 16) : exact(t).slice(11, 16));
  const say = (k: number) => {
    const t = d.at[k];
    if (t === undefined) return '';
    const held = shaded.find((s) => s.from <= t && t <= s.to);
    const read = d.has[k]
      ? `processor ${measure(d.cpu[k] ?? 0, 'percent')}, memory ${measure(d.memory[k] ?? 0, 'percent')}, ${Math.round(d.taken[k] ?? 0)} of ${Math.round(d.slots[k] ?? 0)} slots`
      : 'nothing was read';
    return `${exact(t).slice(0, 16)}: ${read}${held ? `, ${held.what.toLowerCase()}` : ''}`;
  };
  const nothing = !d.has.some(Boolean) && <p className={parts.hint}>Nothing was read in this time: a robot that is connected is read once a minute.</p>;
  if (table)
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
      <section className={css.table} aria-label="Its machine and slots, as a table" tabIndex={0}>
        {nothing}
        <table className={parts.table} hidden={nothing !== false}>
          <thead>
            <tr>
              <th>When</th>
              <th data-number>Processor</th>
              <th data-number>Memory</th>
              <th data-number>Slots in use</th>
              <th data-number>Slots</th>
            </tr>
          </thead>
          <tbody>
            {d.at.map((t, k) =>
              d.has[k] ? (
                <tr key={t}>
                  <td>{exact(t).slice(0, 16)}</td>
                  <td data-number>{measure(d.cpu[k] ?? 0, 'percent')}</td>
                  <td data-number>{measure(d.memory[k] ?? 0, 'percent')}</td>
                  <td data-number>{Math.round(d.taken[k] ?? 0)}</td>
                  <td data-number>{Math.round(d.slots[k] ?? 0)}</td>
                </tr>
              ) : null,
            )}
          </tbody>
        </table>
      </section>
    );
  const line = (values: readonly number[], top: number) => {
    let path = '';
    values.forEach((v, k) => {
      if (d.has[k])
        path += `${d.has[k - 1] && path ? 'L' : 'M'}${percentOf(d.at[k] ?? 0, from, to).toFixed(2)} ${(39 - (Math.min(top, v) / top) * 37).toFixed(1)}${d.has[k - 1] || d.has[k + 1] ? '' : 'h0.01'}`;
    });
    return path;
  };
  const slots = Math.max(1, ...d.slots);
  const charts = [
    { name: 'Processor', top: 100, mark: '100 %', lines: [d.cpu] },
    { name: 'Memory', top: 100, mark: '100 %', lines: [d.memory] },
    { name: 'Slots', top: slots, mark: String(slots), lines: [d.taken, d.slots] },
  ];
  const at = i < 0 ? undefined : percentOf(d.at[i] ?? 0, from, to);
  const move = (x: number, width: number) => {
    const t = from + ((to - from) * x) / Math.max(1, width);
    let best = 0;
    d.at.forEach((one, k) => {
      if (Math.abs(one - t) < Math.abs((d.at[best] ?? 0) - t)) best = k;
    });
    setCursor(best);
  };
  const last = d.at.length - 1;
  return (
    <>
      {nothing}
      <div
        className={css.stack}
        role="slider"
        tabIndex={0}
        aria-label="Time"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={i < 0 ? Math.max(0, last) : i}
        aria-valuetext={say(i < 0 ? last : i)}
        onPointerMove={(e) => {
          const r = e.currentTarget.getBoundingClientRect();
          move(e.clientX - r.left, r.width);
        }}
        onPointerLeave={() => setCursor(undefined)}
        onKeyDown={(e) => {
          const to = { ArrowLeft: (i < 0 ? last : i) - 1, ArrowRight: (i < 0 ? last : i) + 1, Home: 0, End: last }[e.key];
          if (to === undefined) return;
          e.preventDefault();
          e.stopPropagation();
          setCursor(Math.min(last, Math.max(0, to)));
        }}
      >
        {charts.map((c) => (
          <div key={c.name} className={css.chart}>
            <span className={css.name}>{c.name}</span>
            <span className={css.mark}>{c.mark}</span>
            <svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
              {shaded.map((s) => (
                <Shade key={`${s.what}${s.from}`} s={s} from={from} to={to} />
              ))}
              {c.lines.map((l, k) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a chart are always the same
                <path key={k} data-line={k} d={line(l, c.top)} />
              ))}
              {at !== undefined && <line className={css.cursor} x1={at} x2={at} y1="0" y2="40" />}
            </svg>
          </div>
        ))}
        <div className={css.lanes}>
          {shaded.map((s) => (
            <span
              key={`${s.what}${s.from}`}
              className={css.shade}
              data-what={s.what}
              style={{ left: `${percentOf(s.from, from, to)}%`, width: `${percentOf(s.to, from, to) - percentOf(s.from, from, to)}%` }}
            />
          ))}
          {rows.map((lane, k) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a lane is its place
            <div key={k} className={css.lane}>
              {lane.map((b) => (
                <Job key={b.job.job_id} b={b} from={from} to={to} />
              ))}
            </div>
          ))}
          {at !== undefined && <span className={css.line} style={{ left: `${at}%` }} />}
        </div>
        <div className={css.axis} aria-hidden="true">
          <span>{time(from)}</span>
          <span>{time((from + to) / 2)}</span>
          <span>{time(to)}</span>
        </div>
      </div>
      <p className={css.say}>
        {i >= 0 ? say(i) : `Bars are jobs, a row for each slot in use. Grey hatching: ${words(shaded)}.`}
        {jobs.length >= 200 && ' Of its jobs the newest 200 are drawn.'}
      </p>
    </>
  );
}

const words = (list: readonly Span[]): string => {
  const all = [...new Set(list.map((s) => s.what.toLowerCase()))];
  return all.length === 0 ? 'offline or out of service; there was none' : all.join(', ');
};

function Shade({ s, from, to }: { s: Span; from: number; to: number }) {
  const x = percentOf(s.from, from, to);
  return <rect className={css.away} data-what={s.what} x={x} width={Math.max(0.2, percentOf(s.to, from, to) - x)} y="0" height="40" />;
}

function Job({ b, from, to }: { b: LaneBar; from: number; to: number }) {
  const x = percentOf(b.from, from, to);
  return (
    <span
      className={css.job}
      data-status={b.job.status}
      title={`${b.job.workflow.workflow_name}: ${label(b.job.status)}`}
      style={{ left: `${x}%`, width: `max(3px, ${percentOf(b.to, from, to) - x}%)` }}
    />
  );
}
