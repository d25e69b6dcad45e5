import { useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import { Scroll } from '../../parts/Scroll';
import { Ago, exact, useNow } from '../../parts/Time';
import { label, span } from '../../parts/words';
import { cause, changed } from '../../words/waiting';
import css from './job.module.css';

type Job = Schemas['JobDetail'];

/** Moment tells in one sentence how the job stands, why, and what would help. */
export function Moment({
  job,
  mayRun,
  mayDecide,
  onDone,
  onError,
}: {
  job: Job;
  mayRun: boolean;
  mayDecide: boolean;
  onDone: () => void;
  onError: (() => void) | undefined;
}) {
  switch (job.status) {
    case 'pending':
      return <Waiting job={job} />;
    case 'assigned':
      return (
        <section className={css.moment} aria-label="Now">
          <p>
            <strong>Offered to {job.robot_id}</strong> <Ago at={job.assigned_at} />. It starts when the robot accepts.
          </p>
        </section>
      );
    case 'running':
      return job.robot_silent ? (
        <section className={css.moment} data-tone="warn" aria-label="Now">
          <p>
            <strong>The robot {job.robot_id} is silent.</strong> If it stays so, the job leaves it and waits again, or asks a person when a step that must not
            run twice was open.
          </p>
        </section>
      ) : null;
    case 'cancelling':
      return (
        <section className={css.moment} aria-label="Now">
          <p>
            <strong>Asked to stop.</strong> {job.stop_deadline && <Until at={job.stop_deadline} />}
          </p>
        </section>
      );
    case 'needs_decision':
      return <Decide job={job} may={mayDecide && mayRun !== undefined} onDone={onDone} />;
    case 'failed':
    case 'timeout':
      return (
        <section className={css.moment} data-tone="bad" aria-label="Now">
          <p>
            <strong>{job.error?.message ?? label(job.end_reason ?? job.status)}</strong>
          </p>
          <p className={css.hint}>
            {[job.error?.type, job.error?.class && `${label(job.error.class)} error`, job.error?.node && `at ${job.error.node}`, `attempt ${job.epoch}`]
              .filter(Boolean)
              .join(' · ')}
            {job.dead_letter && ` · Dead letter: ${label(job.dead_letter_reason ?? '')}`}
          </p>
          {onError && (
            <button type="button" onClick={onError}>
              Open the first error of the log
            </button>
          )}
        </section>
      );
    case 'completed':
      return job.cancel_too_late ? (
        <section className={css.moment} aria-label="Now">
          <p>The cancel came too late: the job had completed.</p>
        </section>
      ) : null;
    default:
      return null;
  }
}

function Until({ at }: { at: string }) {
  const left = Date.parse(at) - useNow();
  return <>{left > 0 ? `${span(Math.floor(left / 1000) * 1000)} left, then it is stopped by force.` : 'Its time is over: it is stopped by force.'}</>;
}

function Waiting({ job }: { job: Job }) {
  const asked = useLive(`explain ${job.job_id} ${job.version}`, {
    topics: ['robots', `job:${job.job_id}`],
    ask: (s) => call<Schemas['JobExplanation']>('GET', `/jobs/${job.job_id}/explain?limit=20`, undefined, s),
  });
  const [more, setMore] = useState(false);
  const now = useNow();
  const e = asked.data;
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
      {label(b.kind)} {b.name}
      {b.robot_id && ` on ${b.robot_id}`}
      {b.until && ` until ${exact(b.until)}`}
    </p>
  );
  const ahead = e.position.ahead_higher_priority + e.position.ahead_same_priority;
  return (
    <section className={css.moment} aria-label="Why is it waiting?">
      <h2>Why is it waiting?</h2>
      <p>
        <strong>{e.waiting_summary}</strong> It has waited {span(Math.max(0, Math.floor((now - Date.parse(since)) / 1000) * 1000))} for this.
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
                {changed(c.change) && <span className={css.hint}> {changed(c.change)}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
      {e.robots.length > 0 && (
        <>
          <button type="button" aria-expanded={more} onClick={() => setMore(!more)}>
            {more ? 'Hide the robots' : 'Robot by robot'}
          </button>
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
        </>
      )}
      <p className={css.hint}>Looked at {exact(e.evaluated_at)} by the scheduler itself.</p>
    </section>
  );
}

const outcomes = [
  { decision: 'retry', word: 'Run again' },
  { decision: 'complete', word: 'Mark completed' },
  { decision: 'fail', word: 'Mark failed' },
  { decision: 'cancel', word: 'Cancel' },
] as const;

function Decide({ job, may, onDone }: { job: Job; may: boolean; onDone: () => void }) {
  const [reason, setReason] = useState('');
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const send = (decision: (typeof outcomes)[number]['decision']) => {
    setBusy(true);
    setWhy('');
    call('POST', `/jobs/${job.job_id}/decide`, { decision, reason } satisfies Schemas['DecideBody'])
      .then(onDone)
      .catch((e) => setWhy(e instanceof Refusal ? `${e.message} ${e.fix}` : String(e)))
      .finally(() => setBusy(false));
  };
  return (
    <section className={css.moment} data-tone="warn" aria-label="Decision">
      <h2>A person has to decide how it goes on</h2>
      <p>
        The robot {job.robot_id ?? ''} was lost{job.current_node ? ` at ${job.current_node}` : ''}. A step that must not run twice may have done its work, or
        not: look at what it works on, then say what holds.
      </p>
      <label>
        Reason (others read it in the audit) <input value={reason} onChange={(e) => setReason(e.target.value)} disabled={!may} />
      </label>
      <div className={css.actions}>
        {outcomes.map((o) => (
          <button key={o.decision} type="button" disabled={!may || busy || reason.trim() === ''} onClick={() => send(o.decision)}>
            {o.word}
          </button>
        ))}
        {!may && <span className={css.hint}>Your role can see the job but not decide it.</span>}
        {may && reason.trim() === '' && <span className={css.hint}>Say why first.</span>}
      </div>
      {why && <p role="alert">{why}</p>}
    </section>
  );
}
