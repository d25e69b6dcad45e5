import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useRef, useState } from 'react';
import { call, type Job, Refusal, type Schemas } from '../../api/client';
import { Confirm } from '../../parts/Confirm';
import { useCursor } from '../../parts/cursor';
import { FleetTabs } from '../../parts/FleetTabs';
import { takeJob, touchJob, useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Empty, Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { Views } from '../../parts/Views';
import { between, label, priority } from '../../parts/words';
import { waits } from '../../words/waiting';
import { filterQuery, final, type JobSearch, jobSearch, jobStatuses, stoppable } from './rows';

const columns = '150px minmax(150px, 1fr) 110px minmax(140px, 1fr) 80px 140px 100px 130px';
const heads = ['State', 'Workflow', 'Job', 'Robot', 'Priority', 'Created', 'Duration', 'Actions'];

/** JobsPage lists jobs, newest first. A row that waits says why. */
export function JobsPage({ search, onSearch }: { search: JobSearch; onSearch: (s: JobSearch) => void }) {
  const [cursors, setCursors] = useState<{ status: string; list: string[] }>({ status: '', list: [] });
  const status = search.status ?? '';
  const trail = cursors.status === status ? cursors.list : [];
  const cursor = trail.at(-1) ?? '';
  const query = `limit=100&${filterQuery(search)}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
  const belongs = takeJob((j) => !status || j.status === status);
  const page = useLive(query, {
    topics: ['jobs'],
    ask: (s) => call<Schemas['JobList']>('GET', `/jobs?${query}`, undefined, s),
    // An older page stays as it was read: its rows are kept up to date, and nothing enters it.
    take: (data, f) => {
      const next = belongs(data, f);
      return next === 'again' && cursor ? undefined : next;
    },
    touch: touchJob,
  });
  const may = useMay('jobs:run') ?? false;
  const [stop, setStop] = useState<Job>();
  const [said, setSaid] = useState('');
  const act = (job: Job, what: 'cancel' | 'retry') => {
    setSaid(what === 'cancel' ? 'Cancelling…' : 'Retrying…');
    call<{ message: string }>('POST', `/jobs/${encodeURIComponent(job.job_id)}/${what}`, {})
      .then((a) => setSaid(a.message))
      .catch((e) => setSaid(e instanceof Refusal ? `${e.message} ${e.fix}` : String(e)))
      .finally(page.again);
  };
  const jobs = page.data?.jobs ?? [];
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const ids = useMemo(() => jobs.map((j) => j.job_id), [jobs]);
  const here = useCursor({
    ids,
    open: (id) => void navigate({ to: '/fleet/jobs/$id', params: { id }, search: {} }),
    show: (i) => box.current?.children[i + 1]?.scrollIntoView({ block: 'nearest' }),
    more: (id) => {
      const job = jobs.find((j) => j.job_id === id);
      if (!job) return [];
      const group = 'The row';
      const why = may ? {} : { why: 'Your role may not run or stop jobs.' };
      return [
        ...(final(job.status) && job.status !== 'completed' ? [{ name: 'Retry', group, keys: 'r', run: () => act(job, 'retry'), ...why }] : []),
        ...(stoppable(job.status) ? [{ name: 'Cancel…', group, keys: 'Shift K', run: () => setStop(job), ...why }] : []),
        { name: 'Open its log', group, keys: 'l', run: () => void navigate({ to: '/fleet/jobs/$id', params: { id: job.job_id }, search: { pane: 'log' } }) },
      ];
    },
  });
  return (
    <div className={`${css.page} ${css.fixed}`}>
      <div className={css.head}>
        <h1>Jobs</h1>
        {page.data && (
          <span className={css.fact}>
            {page.data.total >= 0 ? `${page.data.total} ${page.data.total === 1 ? 'job' : 'jobs'}` : 'Too many jobs to count'}, newest first. Priority: 0 goes
            first.
          </span>
        )}
      </div>
      <FleetTabs />
      <div className={css.bar}>
        <Views page="jobs" query={{ ...search } as Record<string, string>} onQuery={(q) => onSearch(jobSearch(q))} />
        <button type="button" aria-pressed={!status} onClick={() => onSearch({})}>
          All
        </button>
        {jobStatuses.map((w) => (
          <button key={w} type="button" aria-pressed={status === w} onClick={() => onSearch(status === w ? {} : { status: w })}>
            {label(w)}
          </button>
        ))}
        <span className={css.grow} />
        <span role="status">{said}</span>
      </div>
      {page.error && <Fault error={page.error} asOf={page.data ? page.asOf : ''} again={page.again} />}
      {!page.data && !page.error && <Loading what="jobs" />}
      {page.data && jobs.length === 0 && !status && (
        <Empty command="fleet job submit examples/hello.json">
          No jobs yet. A job is one run of a workflow. Open a workflow and press Run, or submit one from a terminal.
        </Empty>
      )}
      {page.data && jobs.length === 0 && status && (
        <div className={css.empty}>
          <p>No job is in the state “{label(status)}”.</p>
          <button type="button" onClick={() => onSearch({})}>
            Clear the filter
          </button>
        </div>
      )}
      {jobs.length > 0 && (
        <div ref={box} className={css.grid} role="table" aria-label="Jobs" tabIndex={0}>
          <div className={`${css.row} ${css.header}`} role="row" style={{ gridTemplateColumns: columns }}>
            {heads.map((h) => (
              <span key={h} role="columnheader">
                {h}
              </span>
            ))}
          </div>
          {jobs.map((j) => (
            <div key={j.job_id} className={css.row} role="row" data-here={j.job_id === here || undefined} style={{ gridTemplateColumns: columns }}>
              <span role="cell">
                <Status word={j.status} {...(j.robot_silent ? { more: '· robot silent' } : {})} />
              </span>
              <span role="cell">{j.workflow.workflow_name}</span>
              <span role="cell" className={css.mono} title={j.job_id}>
                <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
                  …{j.job_id.slice(-8)}
                </Link>
              </span>
              <span role="cell">{j.status === 'pending' ? waits(j.waiting_on, j.waiting_code) : (j.robot_id ?? 'any')}</span>
              <span role="cell">{priority(j.priority)}</span>
              <span role="cell">
                <Ago at={j.created_at} />
              </span>
              <span role="cell">{between(j.started_at, j.ended_at) || (j.status === 'running' ? `${j.progress} %` : '–')}</span>
              <span role="cell">
                {stoppable(j.status) && (
                  <button type="button" disabled={!may} aria-label={`Cancel ${j.job_id}`} onClick={() => setStop(j)}>
                    Cancel
                  </button>
                )}
                {final(j.status) && j.status !== 'completed' && (
                  <button type="button" disabled={!may} aria-label={`Retry ${j.job_id}`} onClick={() => act(j, 'retry')}>
                    Retry
                  </button>
                )}
              </span>
            </div>
          ))}
        </div>
      )}
      {(trail.length > 0 || page.data?.next_cursor) && (
        <div className={css.actions}>
          <button type="button" disabled={trail.length === 0} onClick={() => setCursors({ status, list: trail.slice(0, -1) })}>
            Newer
          </button>
          <button
            type="button"
            disabled={!page.data?.next_cursor}
            onClick={() => page.data?.next_cursor && setCursors({ status, list: [...trail, page.data.next_cursor] })}
          >
            Older
          </button>
        </div>
      )}
      {stop && (
        <Confirm
          title={`Cancel ${stop.workflow.workflow_name}?`}
          action="Cancel the job"
          onClose={() => setStop(undefined)}
          onConfirm={() => {
            act(stop, 'cancel');
            setStop(undefined);
          }}
        >
          <p>The job {stop.job_id} is asked to stop. What it has done stays done.</p>
        </Confirm>
      )}
    </div>
  );
}
