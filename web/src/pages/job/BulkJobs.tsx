import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { bulkBody, type Kind, kinds, type Params, summaryOf, verbs } from './bulk';
import { type Exporting, ExportMenu } from './ExportMenu';
import { type Line, short } from './JobRow';
import type { JobSearch, Span } from './rows';

type Bulk = Schemas['BulkEntry'];

const JobDialog = lazy(() => import('./JobDialog').then((m) => ({ default: m.JobDialog }))); // with the picker of robots

interface Props {
  search: JobSearch;
  span: Span;
  jobs: readonly Line[]; // that are chosen and shown
  all: boolean; // all that match
  more: boolean; // more match than are shown
  may: boolean;
  started: string; // the operation that is looked at
  onExport: Exporting;
  onStart: (id: string) => void;
  onAll: () => void;
  onClear: () => void;
  onDone: () => void;
}

/** BulkJobs asks the same of many jobs in one operation of the server, and shows what became of each. */
export function BulkJobs(p: Props) {
  const [asked, setAsked] = useState<Kind>();
  const n = p.jobs.length;
  const count = p.all && p.more ? 'All jobs that match' : `${n} ${n === 1 ? 'job' : 'jobs'}`;
  const start = (kind: Kind, params: Params) =>
    call<Bulk>('POST', '/jobs/bulk-actions', bulkBody(kind, p.all && p.more, p.jobs, p.search, p.span, params))
      .then((b) => {
        p.onStart(b.bulk_id);
        p.onClear();
      })
      .finally(p.onDone);
  const why = p.may ? '' : 'Your role may not run or stop jobs.';
  return (
    <div>
      {(n > 0 || p.all) && (
        <section className={`${css.bar} ${css.bulk}`} aria-label="What is chosen">
          <strong>
            {count} selected{p.all && p.more ? '' : summaryOf(p.jobs)}
          </strong>
          {kinds.map((k) => (
            <button key={k} type="button" disabled={!p.may} title={why} onClick={() => setAsked(k)}>
              {verbs[k]}…
            </button>
          ))}
          <ExportMenu items={p.onExport} ids={p.all && p.more ? undefined : p.jobs.map((j) => j.job_id)} />
          {p.more && !p.all && (
            <button type="button" title="Ctrl A" onClick={p.onAll}>
              Select all that match
            </button>
          )}
          <button type="button" title="Esc" onClick={p.onClear}>
            Select none
          </button>
        </section>
      )}
      {p.started && <Result key={p.started} id={p.started} onOther={p.onStart} onDone={p.onDone} />}
      <Suspense fallback={null}>
        {asked && (
          <JobDialog
            kind={asked}
            what={count.toLowerCase()}
            jobs={p.all && p.more ? undefined : p.jobs}
            onClose={() => setAsked(undefined)}
            onSend={(params) => start(asked, params)}
          />
        )}
      </Suspense>
    </div>
  );
}

/** Result is how far an operation is, with a reason for each job that it could not be done for. */
function Result({ id, onOther, onDone }: { id: string; onOther: (id: string) => void; onDone: () => void }) {
  const bulk = useLive<Bulk>(`bulk ${id}`, {
    topics: [`bulk:${id}`],
    ask: (s) => call('GET', `/bulk-operations/${encodeURIComponent(id)}`, undefined, s),
    take: onlyIf(() => true),
  });
  const { again, data: b } = bulk;
  const running = b === undefined || b.status === 'running';
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is told once that it has ended
  useEffect(() => {
    if (!running) return onDone();
    const t = setInterval(again, 2000);
    return () => clearInterval(t);
  }, [running, again]);
  if (!b) return null;
  const failed = b.targets?.filter((t) => t.status === 'failed') ?? [];
  const made = b.targets?.filter((t) => t.new_job_id) ?? [];
  return (
    <section className={`${css.bar} ${css.bulk}`} aria-label="Result of the operation">
      <span role="status">
        {verbs[b.kind as Kind] ?? b.kind}: {b.done} of {b.total} done, {b.failed} failed, {b.skipped} left as they were{running ? '…' : '.'}
      </span>
      {made.length === 1 && (
        <Link to="/fleet/jobs/$id" params={{ id: made[0]?.new_job_id ?? '' }} search={{}}>
          Open {short(made[0]?.new_job_id ?? '')}
        </Link>
      )}
      {!running && b.failed > 0 && (
        <button
          type="button"
          onClick={() =>
            void call<Bulk>('POST', `/bulk-operations/${encodeURIComponent(id)}/retry-failed`, {})
              .then((x) => onOther(x.bulk_id))
              .catch(() => again())
          }
        >
          Ask those again that failed
        </button>
      )}
      <button type="button" aria-label="Hide the result" onClick={() => onOther('')}>
        ×
      </button>
      {failed.length > 0 && (
        <ul className={css.hint}>
          {failed.slice(0, 5).map((t) => (
            <li key={t.job_id}>
              {short(t.job_id ?? '')}: {t.reason}
            </li>
          ))}
          {failed.length > 5 && (
            <li>
              {failed.length - 5} more: <code>fleet bulk get {id}</code>
            </li>
          )}
        </ul>
      )}
    </section>
  );
}
