import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Job, Schemas } from '../../api/client';
import { Menu } from '../../parts/Menu';
import css from '../../parts/parts';
import { Status } from '../../parts/Status';
import { Ago, exact, useNow } from '../../parts/Time';
import { lasted, priority } from '../../parts/words';
import type { Asked } from './Acts';
import own from './job.module.css';
import { final, passed, prioritySaid, stoppable, triggerOf } from './rows';

type Detail = Schemas['JobDetail'];

interface Props {
  job: Detail;
  nodes: readonly Schemas['NodeTime'][];
  mayRun: boolean | undefined;
  retries: readonly Job[];
  said: ReactNode;
  onAsk: (a: Asked) => void;
  onSaid: (text: string) => void;
}

/** Head says what the job is, how it stands, and what can be done with it. */
export function Head({ job: j, nodes, mayRun, retries, said, onAsk, onSaid }: Props) {
  const now = useNow();
  const far = passed(j, nodes, now);
  const id = j.job_id;
  const copy = (text: string) => () =>
    void navigator.clipboard
      .writeText(text)
      .then(() => onSaid('Copied.'))
      .catch(() => onSaid(text));
  const again = j.status === 'completed' ? `fleet job submit --workflow-id ${j.workflow.workflow_id}` : `fleet job retry ${id}`;
  return (
    <>
      <div className={css.head}>
        <h1>{j.workflow.workflow_name}</h1>
        <Status word={j.status} {...(j.robot_silent ? { more: '· robot silent' } : {})} />
        {j.status === 'running' && <progress max={100} value={j.progress} aria-label="Progress" />}
        {far && (
          <span className={css.fact}>
            {far}
            {j.status === 'running' && j.current_node && ` · ${j.current_node}`}
          </span>
        )}
        <span className={css.grow} />
        {stoppable(j.status) && (
          <button type="button" className={css.primary} disabled={!mayRun} onClick={() => onAsk({ what: 'cancel' })}>
            Cancel…
          </button>
        )}
        {j.status === 'cancelling' && (
          <button type="button" disabled={!mayRun || j.stop_force} onClick={() => onAsk({ what: 'force' })}>
            {j.stop_force ? 'Stopping by force…' : 'Force stop…'}
          </button>
        )}
        {final(j.status) && j.status !== 'completed' && (
          <button type="button" className={css.primary} disabled={!mayRun} onClick={() => onAsk({ what: 'retry' })}>
            Retry…
          </button>
        )}
        <button type="button" className={j.status === 'completed' ? css.primary : undefined} disabled={!mayRun} onClick={() => onAsk({ what: 'clone' })}>
          Clone…
        </button>
        <Menu
          label="Copy"
          items={[
            { name: 'Id of the job', run: copy(id) },
            { name: 'Command to look at it', run: copy(`fleet job get ${id}`) },
            { name: 'Command to read its log', run: copy(`fleet job log ${id}`) },
            ...(final(j.status)
              ? [{ name: 'Command to run it again', run: copy(again) }]
              : [{ name: 'Command to cancel it', run: copy(`fleet job cancel ${id}`) }]),
            { name: 'curl', run: copy(`curl -H "Authorization: Bearer $FLEET_KEY" ${location.origin}/api/v1/jobs/${id}`) },
          ]}
        />
        <Link
          to="/workflows/$id/versions/$v"
          params={{ id: j.workflow.workflow_id, v: String(j.workflow.version) }}
          search={{ run: id }}
          className={own.canvasLink}
        >
          Open on the canvas
        </Link>
      </div>
      {mayRun === false && <p className={css.fact}>Your role can see jobs but not run, cancel or retry them.</p>}
      <p role="status" className={own.said}>
        {said}
      </p>
      <Facts job={j} retries={retries} now={now} />
      {(j.segment_jobs?.length ?? 0) > 0 && (
        <p className={css.fact}>
          Runs in {j.segments} parts:{' '}
          {j.segment_jobs?.map((s) => (
            <span key={s.job_id}>
              <Link to="/fleet/jobs/$id" params={{ id: s.job_id }} search={{}}>
                {s.segment} {s.status.replaceAll('_', ' ')}
                {s.robot_id ? ` on ${s.robot_id}` : ''}
              </Link>{' '}
            </span>
          ))}
        </p>
      )}
    </>
  );
}

function Facts({ job: j, retries, now }: { job: Detail; retries: readonly Job[]; now: number }) {
  const fact = (name: string, what: ReactNode, key = name) => (
    <div key={key}>
      <dt>{name}</dt>
      <dd>{what}</dd>
    </div>
  );
  return (
    <dl className={own.facts}>
      {fact('Job', <span className={css.mono}>{j.job_id}</span>)}
      {j.name && fact('Name', j.name)}
      {fact('Version', j.workflow.version)}
      {fact(
        'Robot',
        j.robot_id ? (
          <Link to="/fleet/robots/$id" params={{ id: j.robot_id }} search={{}}>
            {j.robot_id}
          </Link>
        ) : (
          (j.target_robot_id ?? 'Any that fits')
        ),
      )}
      {fact('Environment', j.environment)}
      {fact('Priority (0 goes first)', `${priority(j.priority)}${prioritySaid(j)}`)}
      {fact('Trigger', <Trigger job={j} />)}
      {fact(
        'Submitted',
        <>
          <Ago at={j.created_at} />
          {j.submitted_by && ` by ${j.submitted_by}`}
        </>,
      )}
      {j.wait_ms !== undefined && fact('Waited', lasted(j.wait_ms))}
      {j.started_at &&
        (j.ended_at || ['running', 'cancelling'].includes(j.status)) &&
        fact(
          j.ended_at ? 'Took' : 'Runs for',
          <span title={exact(j.started_at)}>
            {lasted(j.ended_at ? (j.duration_ms ?? Date.parse(j.ended_at) - Date.parse(j.started_at)) : Math.max(0, now - Date.parse(j.started_at)))}
          </span>,
        )}
      {j.ended_at && fact('Ended', <Ago at={j.ended_at} />)}
      {j.epoch > 1 && fact('Attempt', j.epoch)}
      {j.retry_of &&
        fact(
          'Retry of',
          <>
            <Short id={j.retry_of} />
            {j.resumed_from && ` from node ${j.resumed_from.node}`}
          </>,
        )}
      {retries.length > 0 &&
        fact(
          'Retried as',
          retries.map((r) => (
            <span key={r.job_id}>
              <Short id={r.job_id} /> ({r.status.replaceAll('_', ' ')}){' '}
            </span>
          )),
        )}
      {j.parent_job_id && fact(`Part ${j.segment} of`, <Short id={j.parent_job_id} />)}
    </dl>
  );
}

function Short({ id }: { id: string }) {
  return (
    <Link to="/fleet/jobs/$id" params={{ id }} search={{}} className={css.mono}>
      …{id.slice(-8)}
    </Link>
  );
}

function Trigger({ job: j }: { job: Detail }) {
  if (j.schedule_id)
    return (
      <Link to="/fleet/schedules/$id" params={{ id: j.schedule_id }} search={{}}>
        Schedule
      </Link>
    );
  if (j.retry_of) return <>Retry</>;
  if (j.parent_job_id) return <>Part of a job</>;
  if (j.dependency_rule) return <>Chain</>;
  return <>{triggerOf(j.submitted_by ?? '')}</>;
}
