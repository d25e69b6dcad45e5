import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { useLive } from '../../parts/live';
import { Scroll } from '../../parts/Scroll';
import { useMay } from '../../parts/session';
import { Ago, clock, exact, useNow } from '../../parts/Time';
import { label, span } from '../../parts/words';
import { cause, changed } from '../../words/waiting';
import type { Asked } from './Acts';
import { useArtifacts } from './Artifacts';
import { Decide } from './Decide';
import css from './job.module.css';
import { LastLines } from './LastLines';
import { type Fix, fixOf, graceLeft, timed } from './rows';

type Job = Schemas['JobDetail'];

interface Props {
  job: Job;
  told: Schemas['JobTimeline'] | undefined;
  mayRun: boolean;
  mayDecide: boolean;
  onAsk: (a: Asked) => void;
  onSaid: (text: string) => void;
  onDone: () => void;
  onError: (at: { epoch: number; line: number } | undefined) => void;
}

/** Moment tells in one sentence how the job stands, why, and what would help. */
export function Moment({ job, told, mayRun, mayDecide, onAsk, onSaid, onDone, onError }: Props) {
  const now = useNow();
  switch (job.status) {
    case 'pending':
      return <Waiting job={job} mayRun={mayRun} onAsk={onAsk} onSaid={onSaid} onDone={onDone} />;
    case 'assigned':
      return (
        <Panel>
          <p>
            <strong>Offered to {job.robot_id}</strong> <Ago at={job.assigned_at} />
            {job.accept_by && Date.parse(job.accept_by) > now
              ? `; it has ${span(floor(Date.parse(job.accept_by) - now))} to accept.`
              : '; its time to accept is over.'}
          </p>
        </Panel>
      );
    case 'running': {
      if (!job.robot_silent) return null;
      const since = told?.attempts.find((a) => a.ended_at === undefined && a.silent_since !== undefined)?.silent_since;
      return (
        <Panel tone="warn">
          <p>
            <strong>
              No heartbeat from {job.robot_id}
              {since && ` for ${span(floor(now - Date.parse(since)))}`}.
            </strong>{' '}
            If the robot stays silent, the job leaves it{job.leaves_robot_at && ` at ${clock(job.leaves_robot_at)}`}: it waits again, or asks a person when a
            step that must not run twice was open.
          </p>
        </Panel>
      );
    }
    case 'cancelling':
      return (
        <Panel>
          <p>
            <strong>Asked to stop.</strong> {job.stop_deadline && <Until at={job.stop_deadline} force={job.stop_force ?? false} />}
          </p>
        </Panel>
      );
    case 'needs_decision':
      return <Decide job={job} told={told} may={mayDecide} onDone={onDone} />;
    case 'failed':
    case 'timeout':
      return <Failure job={job} mayRun={mayRun} onAsk={onAsk} onSaid={onSaid} onDone={onDone} onError={onError} />;
    case 'cancelled':
      return (
        <Panel>
          <p>
            {cancelledBecause(job.end_reason)}
            {job.cancel_outcome === 'forced' && ' The robot ended its processes by force.'}
            {job.cancel_outcome === 'unconfirmed' && (
              <strong> Not confirmed by {job.robot_id ?? 'its robot'}: nobody knows whether it has stopped there.</strong>
            )}
          </p>
        </Panel>
      );
    case 'completed':
      return job.cancel_too_late ? (
        <Panel>
          <p>The cancel came too late: the job had completed.</p>
        </Panel>
      ) : null;
    default:
      return null;
  }
}

/** cancelledBecause says in a sentence why one was cancelled. */
function cancelledBecause(reason: string | undefined): string {
  if (!reason || reason === 'cancelled_by_user') return 'Somebody cancelled it.';
  if (reason === 'dependency_unmet') return 'It was cancelled because a job that it depends on did not end as it needs.';
  return `${label(reason)}.`;
}

const floor = (ms: number) => Math.max(0, Math.floor(ms / 1000) * 1000);

function Panel({ tone, children }: { tone?: 'warn' | 'bad'; children: ReactNode }) {
  return (
    <section className={css.moment} data-tone={tone} aria-label="Now">
      {children}
    </section>
  );
}

/** Failure is why it failed, where its log says so, and how often the same happened. */
function Failure({ job, mayRun, onAsk, onSaid, onDone, onError }: Pick<Props, 'job' | 'mayRun' | 'onAsk' | 'onSaid' | 'onDone' | 'onError'>) {
  const mayNumbers = useMay('numbers:read') ?? false;
  const mayPurge = useMay('jobs:purge') ?? false;
  const [first, setFirst] = useState<{ epoch: number; line: number }>();
  const [same, setSame] = useState(0);
  const left = useArtifacts(job.job_id).data?.artifacts.filter((a) => a.epoch === job.epoch && a.type.startsWith('image/')) ?? [];
  const { job_id: id, failure_fingerprint: mark } = job;
  const workflow = job.workflow.workflow_id;
  useEffect(() => {
    const end = new AbortController();
    call<Schemas['LogFound']>('GET', `/jobs/${id}/log/search?limit=1`, undefined, end.signal)
      .then((f) => setFirst(f.first_error))
      .catch(() => undefined); // the log says itself what is wrong with it
    if (mayNumbers && mark)
      call<Schemas['FailureTable']>('GET', '/analytics/failures?range=7d&limit=500', undefined, end.signal)
        .then((t) => setSame(t.rows.find((r) => r.fingerprint === mark)?.count ?? 0))
        .catch(() => undefined); // the numbers are beside the point
    return () => end.abort();
  }, [id, mark, mayNumbers]);
  const hide = () =>
    void call('DELETE', `/dlq/${encodeURIComponent(id)}`)
      .then(() => onSaid('It is no dead letter any more. The job stays.'))
      .catch((e) => onSaid(sentence(e)))
      .finally(onDone);
  return (
    <Panel tone="bad">
      <p>
        <strong>{job.error?.message ?? label(job.end_reason ?? job.status)}</strong>
      </p>
      <p className={css.hint}>
        {[job.error?.type, job.error?.class && `${label(job.error.class)} error`, job.error?.node && `at ${job.error.node}`, `attempt ${job.epoch}`]
          .filter(Boolean)
          .join(' · ')}
        {same > 1 && (
          <>
            {' · '}
            <Link to="/fleet/analytics" search={{ workflow }}>
              the same failure {same} times in 7 days
            </Link>
          </>
        )}
      </p>
      {job.epoch > 0 && !job.segments && <LastLines id={id} epoch={job.epoch} />}
      {job.cancel_outcome === 'unconfirmed' && <p>Not confirmed by {job.robot_id ?? 'its robot'}.</p>}
      <div className={css.actions}>
        <button type="button" onClick={() => onError(first)}>
          {first ? `Open the log at line ${first.line}` : 'Open the log'}
        </button>
        {left.length > 0 && (
          <Link to="/fleet/jobs/$id" params={{ id }} search={{ pane: 'artifacts' }}>
            {left.length === 1 ? 'Its picture' : `Its ${left.length} pictures`}
          </Link>
        )}
        {job.dead_letter && (
          <>
            <span>Dead letter: {label(job.dead_letter_reason ?? '').toLowerCase() || 'it is not tried again by itself'}.</span>
            <button type="button" disabled={!mayRun} onClick={() => onAsk({ what: 'retry' })}>
              Retry it…
            </button>
            <button type="button" disabled={!mayPurge} title={mayPurge ? undefined : 'Your role may not take dead letters away.'} onClick={hide}>
              Hide
            </button>
          </>
        )}
      </div>
    </Panel>
  );
}

function Until({ at, force }: { at: string; force: boolean }) {
  const left = graceLeft(at, useNow());
  if (force) return <>It is being stopped by force.</>;
  return <>{left > 0 ? `${span(Math.floor(left / 1000) * 1000)} left, then it is stopped by force.` : 'Its time is over: it is stopped by force.'}</>;
}

function Waiting({ job, mayRun, onAsk, onSaid, onDone }: Pick<Props, 'job' | 'mayRun' | 'onAsk' | 'onSaid' | 'onDone'>) {
  const asked = useLive(`explain ${job.job_id} ${job.version}`, {
    topics: ['robots', `job:${job.job_id}`],
    ask: (s) => call<Schemas['JobExplanation']>('GET', `/jobs/${job.job_id}/explain?limit=20`, undefined, s),
  });
  const [more, setMore] = useState(false);
  const now = useNow();
  const mayOperate = useMay('robots:operate') ?? false;
  const e = asked.data;
  const soon = timed(job, now);
  const since = job.waiting_since ?? job.created_at;
  if (!e)
    return (
      <section className={css.moment} aria-label="Why is it waiting?">
        <h2>Why is it waiting?</h2>
        <p>{asked.error ? asked.error.message : (job.waiting_summary ?? 'Asking the scheduler…')}</p>
      </section>
    );
  const reasons = Object.entries(e.counts.by_first_reason).sort((a, b) => b[1] - a[1]);
  const named = e.blockers.filter((b) => b.kind !== 'reason' || b.until);
  const blocker = (b: (typeof named)[number]) => (
    <p key={`${b.kind}${b.id ?? b.name}`}>
      {label(b.kind)}{' '}
      {b.kind === 'job' && b.id ? (
        <Link to="/fleet/jobs/$id" params={{ id: b.id }} search={{}}>
          {b.name || `…${b.id.slice(-8)}`}
        </Link>
      ) : (
        b.name
      )}
      {b.robot_id && ` on ${b.robot_id}`}
      {b.until && ` until ${exact(b.until)}`}
    </p>
  );
  const fixes = e.would_run_if.map((c) => fixOf(c, job)).filter((f): f is Fix => f !== undefined);
  const resume = (robot: string) =>
    void call('POST', `/robots/${encodeURIComponent(robot)}/resume`, {})
      .then(() => onSaid(`${robot} is back in service.`))
      .catch((x) => onSaid(sentence(x)))
      .finally(onDone);
  const change = (path: string, body: object, word: string) =>
    void call('POST', `/jobs/${encodeURIComponent(job.job_id)}/${path}`, body)
      .then(() => onSaid(`Done: ${word}.`))
      .catch((x) => onSaid(sentence(x)))
      .finally(onDone);
  const ahead = e.position.ahead_higher_priority + e.position.ahead_same_priority;
  return (
    <section className={css.moment} aria-label="Why is it waiting?">
      <h2>Why is it waiting?</h2>
      <p>
        <strong>{soon === '' ? e.waiting_summary : `${soon}.`}</strong> {soon !== '' && job.not_before && `That is at ${exact(job.not_before)}. `}It has waited{' '}
        {span(Math.max(0, Math.floor((now - Date.parse(since)) / 1000) * 1000))} for this.
      </p>
      {e.counts.robots > 0 && (
        <p>
          {e.counts.robots} {e.counts.robots === 1 ? 'robot' : 'robots'} looked at: {e.counts.fit} fit{e.counts.fit === 1 ? 's' : ''}, {e.counts.fit_and_free}{' '}
          of them free
          {reasons.map(([why, n]) => ` · ${n} ${cause(why)}`).join('')}.
        </p>
      )}
      {e.position.total > 0 && (
        <p>
          {ahead === 0 ? 'It goes first' : `${ahead} go first`} of {e.position.total} that wait{e.position.total === 1 ? 's' : ''}
          {e.position.ahead_higher_priority > 0 && `; ${e.position.ahead_higher_priority} of them are more urgent`}.
          {e.estimate && ` ${e.estimate.seconds < 1 ? 'It may begin at any moment' : `About ${span(1000 * e.estimate.seconds)} more`} (${e.estimate.basis}).`}
        </p>
      )}
      {named.slice(0, 3).map(blocker)}
      {named.length > 3 && (
        <details>
          <summary>And {named.length - 3} more</summary>
          {named.slice(3).map(blocker)}
        </details>
      )}
      {e.would_run_if.length > 0 && (
        <>
          <h3>It would run if</h3>
          <ul>
            {e.would_run_if.map((c) => (
              <li key={c.change + c.text}>
                {c.text}
                {c.robots.length > 0 && `: ${c.robots.slice(0, 5).join(', ')}${c.robots.length > 5 ? ` and ${c.robots.length - 5} more` : ''}`}
                {fixOf(c, job) === undefined && changed(c.change) && <span className={css.hint}> {changed(c.change)}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      <div className={css.actions}>
        <strong>What helps:</strong>
        {fixes.map((f) => (
          <FixButton key={f.word} fix={f} may={f.do === 'resume' ? mayOperate : mayRun} onAsk={onAsk} onResume={resume} onChange={change} />
        ))}
        <button type="button" disabled={!mayRun} onClick={() => onAsk({ what: 'cancel' })}>
          Cancel it
        </button>
        {e.robots.length > 0 && (
          <button type="button" aria-expanded={more} onClick={() => setMore(!more)}>
            {more ? 'Hide the robots' : 'Robot by robot'}
          </button>
        )}
      </div>
      {more && (
        <Scroll label="Robot by robot" className={css.scroll}>
          <table className={css.table}>
            <thead>
              <tr>
                <th>Robot</th>
                <th>Verdict</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {e.robots.map((r) => (
                <tr key={r.robot_id}>
                  <td className={css.mono}>{r.name || r.robot_id}</td>
                  <td>{r.verdict === 'fits' ? 'Fits' : `Not: ${cause(r.first_reason ?? '')}`}</td>
                  <td>
                    {r.checks
                      .filter((c) => !c.ok)
                      .map((c) => `${label(c.code)}: ${c.wanted} is wanted, ${c.found}`)
                      .join(' · ') || '–'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {e.robots_total > e.robots.length && <p className={css.hint}>{e.robots_total - e.robots.length} more robots are not listed.</p>}
        </Scroll>
      )}
      <p className={css.hint}>Looked at {exact(e.evaluated_at)} by the scheduler itself.</p>
    </section>
  );
}

interface FixProps {
  fix: Fix;
  may: boolean;
  onAsk: (a: Asked) => void;
  onResume: (robot: string) => void;
  onChange: (path: string, body: object, word: string) => void;
}

function FixButton({ fix, may, onAsk, onResume, onChange }: FixProps) {
  if (fix.do === 'add')
    return (
      <Link to="/fleet/robots" search={{}}>
        {fix.word}
      </Link>
    );
  const run = () => {
    if (fix.do === 'clone') onAsk({ what: 'clone', change: fix.change });
    else if (fix.do === 'post') onChange(fix.path, fix.body, fix.word);
    else onResume(fix.robot);
  };
  return (
    <button type="button" disabled={!may} onClick={run}>
      {fix.word}
      {fix.do === 'clone' && '…'}
    </button>
  );
}
