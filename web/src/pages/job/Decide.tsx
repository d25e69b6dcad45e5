import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { sentence } from '../../parts/act';
import { clock, exact } from '../../parts/Time';
import { useArtifacts } from './Artifacts';
import { bodyOf, keyOf, nameOf, type Outcome, outcomes, type Said } from './decide';
import own from './decide.module.css';
import css from './job.module.css';
import { LastLines } from './LastLines';

type Job = Schemas['JobDetail'];

interface Props {
  job: Job;
  told: Schemas['JobTimeline'] | undefined;
  may: boolean;
  onDone: () => void;
}

/** Decide asks a person how a job goes on whose robot was lost inside a step that must not run twice. */
export function Decide({ job, told, may, onDone }: Props) {
  const [reason, setReason] = useState('');
  const [said, setSaid] = useState<Record<string, Said>>({});
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const open = job.open_effects ?? [];
  const ran = (told?.nodes ?? []).filter((n) => n.epoch === job.epoch && n.status === 'completed').map((n) => n.node_id);
  const left = useArtifacts(job.job_id).data?.artifacts.filter((a) => a.epoch === job.epoch && a.type.startsWith('image/')) ?? [];
  const say = (key: string, s: Said) => setSaid((was) => ({ ...was, [key]: { ...was[key], ...s } }));
  const send = (decision: Outcome) => {
    const body = bodyOf(decision, reason, open, said);
    if (typeof body === 'string') {
      setWhy(body);
      return;
    }
    setBusy(true);
    setWhy('');
    // What was read is what is decided: if the job has changed since, the server says so.
    call('POST', `/jobs/${job.job_id}/decide`, body, undefined, { 'If-Match': `"${job.version}"` })
      .catch((e) => setWhy(sentence(e)))
      .finally(() => {
        setBusy(false);
        onDone();
      });
  };
  const asks = bodyOf('retry', reason, open, said);
  return (
    <section className={css.moment} data-tone="warn" aria-label="Decision">
      <h2>A person has to decide how it goes on</h2>
      <p>
        {job.robot_id ? `The robot ${job.robot_id} was lost` : 'The robot was lost'} while{' '}
        {open.length === 0 ? 'a step that must not run twice may have been under way' : 'a step that must not run twice was under way'}. It may have done its
        work or not: look at what it works on, then say what holds.
      </p>
      <p className={css.hint}>
        Attempt {job.epoch}
        {ran.length > 0 && ` · ran ${ran.slice(0, 5).join(', ')}${ran.length > 5 ? ` and ${ran.length - 5} more` : ''}`}
        {left.length > 0 && (
          <>
            {' · '}
            <Link to="/fleet/jobs/$id" params={{ id: job.job_id }} search={{ pane: 'artifacts' }}>
              {left.length === 1 ? 'its picture' : `its ${left.length} pictures`}
            </Link>
          </>
        )}
      </p>
      <LastLines id={job.job_id} epoch={job.epoch} open />
      {open.length === 0 && <p className={css.hint}>The robot announced no step, so that all steps run again if the job does.</p>}
      {open.map((e) => {
        const key = keyOf(e);
        const it = said[key] ?? {};
        return (
          <fieldset key={key} className={own.step} disabled={!may || busy}>
            <legend>
              Was <span className={own.name}>{nameOf(e)}</span> done?{' '}
              <span className={css.hint} title={exact(e.begun_at)}>{`begun at ${clock(e.begun_at)}`}</span>
            </legend>
            <label>
              <input type="radio" name={key} checked={it.done === true} onChange={() => say(key, { done: true })} /> Done (skip it)
            </label>
            <label>
              <input type="radio" name={key} checked={it.done === false} onChange={() => say(key, { done: false })} /> Not done (may run)
            </label>
            {it.done && (
              <label className={own.outputs}>
                Its outputs, if you know them{' '}
                <input value={it.outputs ?? ''} placeholder='{"receipt": 7}' onChange={(x) => say(key, { outputs: x.target.value })} spellCheck={false} />
              </label>
            )}
          </fieldset>
        );
      })}
      <label>
        Reason (others read it in the audit) <input value={reason} onChange={(e) => setReason(e.target.value)} disabled={!may} required />
      </label>
      <div className={css.actions}>
        {outcomes.map((o) => (
          <button
            key={o.decision}
            type="button"
            disabled={!may || busy || reason.trim() === '' || (o.decision === 'retry' && typeof asks === 'string')}
            onClick={() => send(o.decision)}
          >
            {o.word}
          </button>
        ))}
        {!may && <span className={css.hint}>Your role can see the job but not decide it.</span>}
        {may && typeof asks === 'string' && <span className={css.hint}>{asks}</span>}
      </div>
      {why && <p role="alert">{why}</p>}
    </section>
  );
}
