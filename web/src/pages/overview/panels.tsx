import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { call, type Schemas } from '../../api/client';
import { Bars, Lines } from '../../parts/Chart';
import { type Asked, onlyIf, takeJob, touchJob, useLive } from '../../parts/live';
import { Fault, Loading } from '../../parts/States';
import { Ago, clock, exact, useNow } from '../../parts/Time';
import { span } from '../../parts/words';
import { newest, soonest } from './overview';
import own from './overview.module.css';

/** State is what a panel shows while it has no data, or when it could not be read. */
function State({ of, what }: { of: Pick<Asked<unknown>, 'data' | 'error' | 'asOf' | 'again'>; what: string }) {
  if (of.error) return <Fault error={of.error} asOf={of.data ? of.asOf : ''} again={of.again} />;
  return of.data ? null : <Loading what={what} />;
}

/** Running are the jobs that run longest. */
export function Running() {
  const running = useLive<Schemas['JobList']>('longest', {
    topics: ['jobs'],
    ask: (s) => call('GET', '/jobs?status=running&sort=longest&limit=8', undefined, s),
    take: (data, f) => {
      const next = takeJob((j) => j.status === 'running')(data, f);
      if (next !== 'again' || data.jobs.some((j) => j.job_id === f.id) || data.jobs.length < 8) return next;
      return undefined; // it began later than the eight
    },
    touch: touchJob,
  });
  return (
    <section className={own.panel} aria-labelledby="running">
      <h2 id="running">
        Running now
        <Link to="/fleet/jobs" search={{ range: 'all', status: 'running' }}>
          All that run
        </Link>
      </h2>
      <State of={running} what="jobs" />
      {running.data?.jobs.length === 0 && (
        <p className={own.calm}>
          No job is running. Open a workflow and press Run, or submit one: <code>fleet job submit examples/hello.json</code>.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <ul className={own.scroll} tabIndex={0} aria-labelledby="running">
        {running.data?.jobs.map((j) => (
          <li key={j.job_id}>
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} className={own.text}>
              {j.workflow.workflow_name}
            </Link>
            {j.current_node && (
              <span className={own.mono} title={j.current_node}>
                {j.current_node}
              </span>
            )}
            <progress className={own.progress} max={100} value={j.progress} aria-label={`Progress of ${j.workflow.workflow_name}`} />
            <span className={own.when}>{j.progress} %</span>
            <span className={own.when} title={`on ${j.robot_name ?? j.robot_id ?? 'a robot'}`}>
              <Ago at={j.started_at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** useSeries asks for the numbers of a window, and again each minute: they are gathered once a minute, not followed. */
function useSeries(query: string): Asked<Schemas['NumbersSeries']> {
  const asked = useLive<Schemas['NumbersSeries']>(query, { topics: [], ask: (s) => call('GET', `/analytics/throughput?${query}`, undefined, s) });
  const { again } = asked;
  useEffect(() => {
    const t = setInterval(again, 60_000);
    return () => clearInterval(t);
  }, [again]);
  return asked;
}

const whole = (n: number): string => (Number.isInteger(n) ? String(n) : n.toFixed(1));

/** Depth is how many jobs waited in the last hour. */
export function Depth() {
  const series = useSeries('range=1h&step=5m');
  const points = series.data?.points ?? [];
  const last = points.findLast((p) => p.readings > 0);
  return (
    <div className={own.panel}>
      <State of={series} what="the queue" />
      {series.data && (
        <Lines
          title="Queue depth, 1 h"
          say={last ? `At last ${whole(last.queue_depth)} jobs waited on average, at most ${last.queue_depth_max}.` : 'Nothing was read yet.'}
          labels={points.map((p) => clock(p.at).slice(0, 5))}
          unit={whole}
          has={points.map((p) => p.readings > 0)}
          series={[{ name: 'Jobs that wait, mean of 5 min', tone: 'one', values: points.map((p) => p.queue_depth) }]}
        />
      )}
    </div>
  );
}

/** Throughput is how jobs ended in the last day. */
export function Throughput() {
  const series = useSeries('range=24h&step=1h');
  const points = series.data?.points ?? [];
  const sum = (f: (p: Schemas['NumbersPoint']) => number) => points.reduce((n, p) => n + f(p), 0);
  return (
    <div className={own.panel}>
      <State of={series} what="numbers" />
      {series.data && (
        <Bars
          title="Throughput and failures, 24 h"
          say={`${sum((p) => p.completed)} completed, ${sum((p) => p.failed)} failed, ${sum((p) => p.timeout)} timed out and ${sum((p) => p.cancelled)} cancelled.`}
          labels={points.map((p) => exact(p.at).slice(5, 16))}
          unit={whole}
          series={[
            { name: 'Completed', tone: 'good', values: points.map((p) => p.completed) },
            { name: 'Failed', tone: 'bad', values: points.map((p) => p.failed) },
            { name: 'Timeout', tone: 'late', values: points.map((p) => p.timeout) },
            { name: 'Cancelled', tone: 'off', values: points.map((p) => p.cancelled) },
          ]}
        />
      )}
    </div>
  );
}

/** Next are the runs that schedules will start. */
export function Next() {
  const now = useNow();
  const next = useLive<Schemas['UpcomingList']>('upcoming', {
    topics: ['schedules'],
    ask: (s) => call('GET', '/schedules/upcoming?hours=24&limit=20', undefined, s),
    take: onlyIf(() => true),
  });
  const list = soonest(next.data?.upcoming ?? [], now, 20);
  return (
    <section className={own.panel} aria-labelledby="next">
      <h2 id="next">
        Next runs
        <Link to="/fleet/schedules" search={{}}>
          Schedules
        </Link>
      </h2>
      <State of={next} what="schedules" />
      {next.data && list.length === 0 && <p className={own.calm}>No run is due in the next 24 h.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <ul className={own.scroll} tabIndex={0} aria-labelledby="next">
        {list.map((r) => {
          const left = Date.parse(r.next_run) - now;
          return (
            <li key={`${r.schedule_id} ${r.fire_at}`}>
              <Link to="/fleet/schedules/$id" params={{ id: r.schedule_id }} search={{}} className={own.text}>
                {r.schedule_name}
              </Link>
              <time className={own.when} dateTime={r.next_run} title={exact(r.next_run)}>
                {left > 0 ? `in ${span(Math.ceil(left / 1000) * 1000)}` : 'due now'}
              </time>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Happened is what happened last. */
export function Happened() {
  const list = useLive<Schemas['ActivityList']>('happened', {
    topics: ['activity'],
    ask: (s) => call('GET', '/activity?limit=20', undefined, s),
    take: (data, f) => (f.topic === 'activity' ? newest(data, f.d as Schemas['ActivityEntry'] | undefined, 20) : undefined),
  });
  return (
    <section className={own.panel} aria-labelledby="happened">
      <h2 id="happened">
        Activity
        <Link to="/activity" search={{}}>
          All of it
        </Link>
      </h2>
      <State of={list} what="activity" />
      {list.data?.events.length === 0 && <p className={own.calm}>Nothing happened yet.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
      <ul className={own.scroll} tabIndex={0} aria-labelledby="happened">
        {list.data?.events.map((e) => (
          <li key={e.id}>
            <span className={own.text} title={e.title}>
              {e.job_id ? (
                <Link to="/fleet/jobs/$id" params={{ id: e.job_id }}>
                  {e.title}
                </Link>
              ) : e.robot_id ? (
                <Link to="/fleet/robots/$id" params={{ id: e.robot_id }}>
                  {e.title}
                </Link>
              ) : (
                e.title
              )}
            </span>
            <span className={own.when}>
              <Ago at={e.timestamp} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
