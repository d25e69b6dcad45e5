import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import { Bars, Lines } from '../../parts/Chart';
import chart from '../../parts/chart.module.css';
import { type Asked, useLive } from '../../parts/live';
import { Menu } from '../../parts/Menu';
import { PageHead } from '../../parts/PageHead';
import css from '../../parts/parts';
import { ownZone } from '../../parts/prefs';
import { Old } from '../../parts/Skeleton';
import { Spark } from '../../parts/Spark';
import { Fault, Loading } from '../../parts/States';
import { exact } from '../../parts/Time';
import { label, lasted } from '../../parts/words';
import own from './analytics.module.css';
import { csv, save } from './files';
import { Heat } from './Heat';
import { beforeOf, beside, count, course, courseBefore, figures, type NumbersSearch, numbersSearch, percent, ranges, slower, windowOf } from './numbers';
import { Failures, Robots, Waiting, Workflows } from './tables';

/** useNumbers asks for a window, and again each minute or so as jobs end: numbers are gathered, not followed. */
function useNumbers<T>(what: string, query: string): Asked<T> {
  return useLive<T>(`${what}?${query}`, { topics: [], ask: (s) => call('GET', `/analytics/${what}?${query}`, undefined, s) });
}

/** AnalyticsPage shows how many jobs end, how well, how long they take, what they wait for, and how busy robots are. */
export function AnalyticsPage({ search, onSearch }: { search: NumbersSearch; onSearch: (s: NumbersSearch) => void }) {
  const zone = ownZone();
  const range = windowOf(search, Date.now());
  const window = `${range.query}&timezone=${encodeURIComponent(zone)}`;
  const narrow = (['workflow', 'robot'] as const).map((k) => (search[k] ? `&${k}_id=${encodeURIComponent(search[k])}` : '')).join('');
  const set = (more: { [K in keyof NumbersSearch]: NumbersSearch[K] | undefined }) => onSearch(numbersSearch({ ...search, ...more }));
  const overview = useNumbers<Schemas['NumbersOverview']>('overview', window + narrow);
  const series = useNumbers<Schemas['NumbersSeries']>('throughput', `${window}${narrow}&step=${range.step}`);
  const o = overview.data;
  const was = search.compare && o ? beforeOf(o) : undefined;
  const earlier = useLive<Schemas['NumbersSeries'] | null>(`before ${JSON.stringify(was)}${narrow}`, {
    topics: [],
    ask: (s) =>
      was
        ? call('GET', `/analytics/throughput?${new URLSearchParams({ ...was, timezone: zone })}${narrow}&step=${range.step}`, undefined, s)
        : Promise.resolve(null),
  });
  const waiting = useNumbers<Schemas['WaitTable']>('waiting', window + narrow);
  const heat = useNumbers<Schemas['HeatMap']>('heatmap', window);
  const slowest = useNumbers<Schemas['NumbersTable']>('workflows', `${window}&sort=slowest&limit=10`);
  const top = useNumbers<Schemas['NumbersTable']>('workflows', `${window}&sort=jobs&limit=10`);
  const degraded = useNumbers<Schemas['NumbersTable']>('workflows', `${window}&sort=degraded&limit=10`);
  const failures = useNumbers<Schemas['FailureTable']>('failures', `${window}${narrow}&limit=10`);
  const robots = useNumbers<Schemas['NumbersTable']>('robots', `${window}&sort=utilization&limit=10`);
  const all = [overview, series, waiting, heat, top, slowest, degraded, failures, robots];
  const name = `analytics-${range.word}`;
  const asJSON = () =>
    save(
      `${name}.json`,
      'application/json',
      JSON.stringify(
        {
          overview: overview.data,
          throughput: series.data,
          waiting: waiting.data,
          heatmap: heat.data,
          workflows: top.data,
          slowest: slowest.data,
          degraded: degraded.data,
          failures: failures.data,
          robots: robots.data,
        },
        null,
        2,
      ),
    );
  const asCSV = () => {
    const points = series.data?.points ?? [];
    const heads = [
      'at',
      'created',
      'completed',
      'failed',
      'timeout',
      'cancelled',
      'success_rate',
      'p50_duration_ms',
      'p90_duration_ms',
      'p99_duration_ms',
      'queue_depth',
    ] as const;
    save(
      `${name}.csv`,
      'text/csv',
      csv(
        heads,
        points.map((p) => heads.map((h) => p[h])),
      ),
    );
  };
  const again = () => {
    for (const a of all) a.again();
  };
  const points = series.data?.points ?? [];
  const before = earlier.data ? beside(points, earlier.data.points) : undefined;
  const empty = o && o.current.ended === 0 && o.current.created === 0 && o.previous.ended === 0;
  return (
    <div className={css.page}>
      <PageHead
        title="Analytics"
        facts={
          o &&
          `${exact(o.from)} to ${exact(o.to)}${o.as_of ? `, counted up to ${exact(o.as_of)}` : ''}${o.events_behind > 0 ? ` (${o.events_behind} events are not counted yet)` : ''}`
        }
        fleet
      >
        <button type="button" onClick={again}>
          Count again
        </button>
        <Menu
          label="Download"
          items={[
            { name: 'The course of the numbers as CSV', run: asCSV },
            { name: 'All of the page as JSON', run: asJSON },
          ]}
        />
      </PageHead>
      <div className={css.bar} data-filters>
        {ranges.map((r) => (
          <button
            key={r.word}
            type="button"
            aria-pressed={!search.from && r.word === range.word}
            onClick={() => set({ range: r.word, from: undefined, to: undefined })}
          >
            {r.name}
          </button>
        ))}
        {search.from && (
          <button type="button" aria-pressed onClick={() => set({ from: undefined, to: undefined })}>
            The chosen time ✕
          </button>
        )}
        {search.workflow && (
          <button type="button" aria-pressed onClick={() => set({ workflow: undefined })}>
            Workflow {nameIn(top.data, search.workflow)} ✕
          </button>
        )}
        {search.robot && (
          <button type="button" aria-pressed onClick={() => set({ robot: undefined })}>
            Robot {nameIn(robots.data, search.robot)} ✕
          </button>
        )}
        <span className={css.grow} />
        <button type="button" aria-pressed={search.compare ?? false} onClick={() => set({ compare: search.compare ? undefined : true })}>
          Compare with the {range.name} before
        </button>
      </div>
      {overview.error && <Fault error={overview.error} asOf={o ? overview.asOf : ''} again={again} />}
      {!o && !overview.error && <Loading what="numbers" />}
      {o && (
        <dl className={`${css.cards} ${own.five}`}>
          {figures(o, search).map((f) => (
            <div key={f.name}>
              <dt>{f.name}</dt>
              <dd>
                <Link to={f.to} search={f.search}>
                  {f.value}
                </Link>
                <br />
                <small>{f.change}</small>
                {search.compare && (
                  <>
                    <br />
                    <small>Before: {f.before}</small>
                  </>
                )}
                <Spark {...course(f.name, points)} {...(before ? { before: courseBefore(f.name, before) } : {})} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {empty && (
        <div className={css.empty}>
          <p>No job ended in these {range.name}. Numbers are counted from what jobs and robots do: run a workflow, then come back.</p>
        </div>
      )}
      <div className={own.grid}>
        <Part of={series} name="throughput">
          {(d) => <Throughput points={d.points} step={d.step_seconds} before={before} />}
        </Part>
        <Part of={waiting} name="waiting">
          {(d) => <Waiting rows={d.rows} />}
        </Part>
        <Part of={heat} name="the heat map">
          {(d) => <Heat map={d} cpu={search.heat === 'cpu'} onCPU={(cpu) => set({ heat: cpu ? 'cpu' : undefined })} />}
        </Part>
        <Part of={top} name="workflows">
          {(d) => <Workflows title="Workflows with the most jobs" rows={d.rows} at={d} onWorkflow={(workflow) => set({ workflow })} />}
        </Part>
        <Part of={slowest} name="workflows">
          {(d) => <Workflows title="Slowest workflows" rows={d.rows} at={d} onWorkflow={(workflow) => set({ workflow })} />}
        </Part>
        <Part of={degraded} name="workflows">
          {(d) => (
            <Workflows
              title="Workflows that became slower"
              none="None took longer than before."
              rows={d.rows.filter(slower)}
              at={d}
              onWorkflow={(workflow) => set({ workflow })}
            />
          )}
        </Part>
        <Part of={failures} name="failures">
          {(d) => <Failures table={d} at={d} />}
        </Part>
        <Part of={robots} name="robots">
          {(d) => <Robots rows={d.rows} at={d} onRobot={(robot) => set({ robot })} />}
        </Part>
      </div>
      {o && (
        <section className={css.panel} aria-label="What is counted">
          <h2>What is counted</h2>
          <dl className={css.facts}>
            {Object.entries({ ...o.definitions, ...waiting.data?.definitions, ...failures.data?.definitions }).map(([k, v]) => (
              <div key={k} className={own.definition}>
                <dt>{label(k)}</dt>
                <dd>{v}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}

/** nameIn is what something is called in a table, as far as it stands there. */
const nameIn = (of: Schemas['NumbersTable'] | undefined, key: string): string => of?.rows.find((r) => r.key === key)?.name || key;

/** Part is one card of the page: what fails in it leaves the others alone. */
function Part<T>({ of, name, children }: { of: Asked<T>; name: string; children: (data: T) => React.ReactNode }) {
  if (of.data)
    return of.error ? (
      <div>
        <Fault error={of.error} asOf={of.asOf} again={of.again} />
        <Old when>{children(of.data)}</Old>
      </div>
    ) : (
      children(of.data)
    );
  return <section className={chart.chart}>{of.error ? <Fault error={of.error} again={of.again} /> : <Loading what={name} />}</section>;
}

type Point = Schemas['NumbersPoint'];

function Throughput({ points, step: seconds, before }: { points: readonly Point[]; step: number; before: (Point | undefined)[] | undefined }) {
  const labels = points.map((p) => (seconds >= 86_400 ? exact(p.at).slice(0, 10) : exact(p.at).slice(5, 16)));
  const sum = (f: (p: Schemas['NumbersPoint']) => number) => points.reduce((n, p) => n + f(p), 0);
  const some = points.map((p) => p.completed > 0);
  const rated = points.map((p) => p.sample > 0);
  return (
    <>
      <Bars
        title="Jobs that ended"
        say={`${sum((p) => p.completed)} completed, ${sum((p) => p.failed)} failed, ${sum((p) => p.timeout)} timed out and ${sum((p) => p.cancelled)} cancelled.`}
        labels={labels}
        unit={count}
        series={[
          { name: 'Completed', tone: 'good', values: points.map((p) => p.completed) },
          { name: 'Failed', tone: 'bad', values: points.map((p) => p.failed) },
          { name: 'Timeout', tone: 'late', values: points.map((p) => p.timeout) },
          { name: 'Cancelled', tone: 'off', values: points.map((p) => p.cancelled) },
        ]}
      />
      <Lines
        title="Success rate"
        say="The share of jobs that completed, for each time in which some ended."
        labels={labels}
        unit={percent}
        has={rated}
        series={[
          { name: 'Completed of those that ended', tone: 'good', values: points.map((p) => p.success_rate) },
          ...earlierLine(before, (p) => p.success_rate),
        ]}
      />
      <Lines
        title="Duration"
        say="The duration within which half, 90 % and 99 % of the completed jobs stayed."
        labels={labels}
        unit={lasted}
        has={some}
        series={[
          { name: 'Half', tone: 'one', values: points.map((p) => p.p50_duration_ms) },
          { name: '90 %', tone: 'two', values: points.map((p) => p.p90_duration_ms) },
          { name: '99 %', tone: 'three', values: points.map((p) => p.p99_duration_ms) },
          ...earlierLine(before, (p) => p.p50_duration_ms, 'Half, before'),
        ]}
      />
    </>
  );
}

/** earlierLine is the same in the window before, where it is compared. */
const earlierLine = (before: (Point | undefined)[] | undefined, of: (p: Point) => number, name = 'Before') =>
  before ? [{ name, tone: 'off', values: before.map((p) => (p ? of(p) : 0)), has: before.map((p) => p !== undefined && p.completed > 0) }] : [];
