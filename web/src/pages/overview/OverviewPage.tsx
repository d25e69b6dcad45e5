import { Link } from '@tanstack/react-router';
import { call, type Schemas } from '../../api/client';
import type { Fact } from '../../live/frames';
import { stream, takeJob, touchJob, useFleetList, useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { Ago } from '../../parts/Time';
import { waits } from '../../words/waiting';
import { OpenIncidents } from '../alert/OpenIncidents';

/** few asks for the first jobs of a state, and again when a job enters or leaves it. */
const few = (status: string, limit: number) => ({
  topics: ['jobs'],
  ask: (signal: AbortSignal) => call<Schemas['JobList']>('GET', `/jobs?status=${status}&limit=${limit}`, undefined, signal),
  take: (data: Schemas['JobList'], f: Fact) => {
    const next = takeJob((j) => j.status === status)(data, f);
    return next === 'again' && f.from_state !== status && f.to_state !== status ? undefined : next;
  },
  touch: touchJob,
});

/** OverviewPage answers: is anything wrong now, and what runs? */
export function OverviewPage() {
  const fleet = useFleetList();
  const running = useLive('running', few('running', 8));
  const pending = useLive('pending', few('pending', 5));
  const decide = useLive('decide', few('needs_decision', 5));
  const robots = fleet.robots;
  const count = new Map<string, number>();
  for (const r of robots) count.set(r.status, (count.get(r.status) ?? 0) + 1);
  const wrong = robots.filter((r) => r.status === 'error' || (r.silent && r.status !== 'offline'));
  const open = decide.data?.jobs ?? [];
  const checked = fleet.loaded && decide.data !== undefined;
  const failed = fleet.error ?? running.error ?? pending.error ?? decide.error;
  const again = () => {
    stream.retry();
    for (const a of [running, pending, decide]) a.again();
  };
  const words = ['online', 'busy', 'offline', 'error', 'maintenance', ...['paused', 'draining'].filter((w) => count.has(w))];
  return (
    <div className={css.page}>
      <div className={css.head}>
        <h1>Overview</h1>
      </div>
      {failed && <Fault error={failed} asOf={running.asOf} again={again} />}
      {fleet.loaded ? (
        <div className={css.strip}>
          <Link to="/fleet/robots" search={{}}>
            Total {robots.length}
          </Link>
          {words.map((w) => (
            <Link key={w} to="/fleet/robots" search={{ status: w }}>
              <Status word={w} more={String(count.get(w) ?? 0)} />
            </Link>
          ))}
          {pending.data && (
            <Link to="/fleet/jobs" search={{ status: 'pending' }}>
              <Status word="pending" more={pending.data.total >= 0 ? `${pending.data.total} jobs` : 'many jobs'} />
            </Link>
          )}
        </div>
      ) : (
        !failed && <Loading what="the fleet" />
      )}
      {fleet.loaded && robots.length === 0 && (
        <section className={css.panel} aria-label="First steps">
          <h2>First steps</h2>
          <p>No robot is here yet. A robot is a machine that runs your workflows.</p>
          <ol>
            <li>
              Make an enrolment token under{' '}
              <Link to="/fleet/api-keys" search={{}}>
                API Keys
              </Link>
              .
            </li>
            <li>
              On the machine: <code>fleet robot enrol --url {location.origin} --token - &lt; token</code>, then{' '}
              <code>fleet robot run --url {location.origin}</code>.
            </li>
            <li>
              Draw a workflow under{' '}
              <Link to="/workflows" search={{ q: '' }}>
                Workflows
              </Link>
              , or submit one: <code>fleet job submit report.json --follow</code>.
            </li>
          </ol>
        </section>
      )}
      <h2>Needs attention</h2>
      <OpenIncidents />
      {checked && wrong.length + open.length === 0 && <p className={css.fact}>Nothing needs you. Checked {decide.asOf}.</p>}
      <ul className={css.list}>
        {open.map((j) => (
          <li key={j.job_id}>
            <Status word={j.status} /> {j.workflow.workflow_name} waits for a decision.
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              Open the job
            </Link>
          </li>
        ))}
        {wrong.slice(0, 5).map((r) => (
          <li key={r.robot_id}>
            <Status word={r.status} /> {r.name || r.robot_id} {r.silent ? 'is silent' : 'reports an error'}.
            <Link to="/fleet/robots/$id" params={{ id: r.robot_id }}>
              Open the robot
            </Link>
          </li>
        ))}
        {wrong.length > 5 && (
          <li>
            {wrong.length - 5} more robots are silent or in error.
            <Link to="/fleet/robots" search={{ status: 'error' }}>
              Those in error
            </Link>
          </li>
        )}
      </ul>
      <h2>Running now{running.data && running.data.total >= 0 ? ` (${running.data.total})` : ''}</h2>
      {running.data?.jobs.length === 0 && (
        <Empty command="fleet job submit examples/hello.json">No job is running. Open a workflow and press Run, or submit one from a terminal.</Empty>
      )}
      <ul className={css.list}>
        {running.data?.jobs.map((j) => (
          <li key={j.job_id}>
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              {j.workflow.workflow_name}
            </Link>
            <span>{j.progress} %</span>
            {j.current_node && <span className={css.mono}>{j.current_node}</span>}
            <span className={css.fact}>
              on {j.robot_id ?? '–'}, <Ago at={j.started_at} />
            </span>
          </li>
        ))}
      </ul>
      <h2>Waiting{pending.data && pending.data.total >= 0 ? ` (${pending.data.total})` : ''}</h2>
      <ul className={css.list}>
        {pending.data?.jobs.map((j) => (
          <li key={j.job_id}>
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              {j.workflow.workflow_name}
            </Link>
            <span>{waits(j.waiting_on, j.waiting_code)}</span>
            <span className={css.fact}>
              <Ago at={j.waiting_since ?? j.created_at} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
