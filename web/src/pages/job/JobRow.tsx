import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import css from '../../parts/parts';
import { type Item, RowMenu } from '../../parts/RowMenu';
import { Status } from '../../parts/Status';
import { Ago, exact, useNow } from '../../parts/Time';
import { label, lasted, priority, span } from '../../parts/words';
import { waits } from '../../words/waiting';
import own from './jobs.module.css';

export type Line = Schemas['JobLine'];

export const columns = '36px 148px 92px minmax(100px, 0.9fr) minmax(120px, 1fr) 66px 78px 84px 72px 72px minmax(200px, 1.9fr) 60px 44px';
export const heads = ['State', 'Job', 'Workflow', 'Robot', 'Priority', 'Trigger', 'Created', 'Waited', 'Duration', 'Progress', 'Attempt'];

export const short = (id: string): string => `…${id.slice(-8)}`;

interface Props {
  job: Line;
  here: boolean;
  chosen: boolean;
  readAt: number; // by the server's clock, when the row was read
  items: readonly Item[];
  menu: boolean;
  onMenu: (open: boolean) => void;
  onChoose: (range: boolean) => void;
  onForce: (() => void) | undefined;
}

/** JobRow is one job. What waits says why, what is silent for how long, and what is asked to stop how long it has. */
export function JobRow({ job: j, here, chosen, readAt, items, menu, onMenu, onChoose, onForce }: Props) {
  const pending = j.status === 'pending';
  return (
    <div className={css.row} role="row" data-here={here || undefined} aria-selected={chosen} style={{ gridTemplateColumns: columns, minWidth: 1180 }}>
      <span role="cell" className={own.tick}>
        <input type="checkbox" checked={chosen} aria-label={`Choose ${j.job_id}`} title="x" onChange={() => undefined} onClick={(e) => onChoose(e.shiftKey)} />
      </span>
      <span role="cell">
        <Status word={j.status} {...(j.status === 'running' && j.robot_silent ? { title: 'Nothing was heard of its robot' } : {})} />
        {j.status === 'running' && j.robot_silent && <Silent since={j.silent_for_ms === undefined ? undefined : readAt - j.silent_for_ms} />}
      </span>
      <span role="cell" className={css.mono} title={j.job_id}>
        <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} search={{}}>
          {short(j.job_id)}
        </Link>
      </span>
      <span role="cell" title={j.name ? `${j.workflow.workflow_name}: ${j.name}` : j.workflow.workflow_name}>
        {j.workflow.workflow_name}
      </span>
      <span role="cell" title={pending ? (j.waiting_summary ?? '') : (j.robot_id ?? '')}>
        {pending ? (
          <span className={own.why}>{waits(j.waiting_on, j.waiting_reason || j.waiting_code)}</span>
        ) : j.robot_id ? (
          <Link to="/fleet/robots/$id" params={{ id: j.robot_id }}>
            {j.robot_name || j.robot_id}
          </Link>
        ) : (
          'any'
        )}
      </span>
      <span role="cell" title={`${j.priority}; 0 goes first`}>
        {priority(j.priority)}
      </span>
      <span role="cell">{j.trigger === 'api' ? 'API' : label(j.trigger)}</span>
      <span role="cell">
        <Ago at={j.created_at} />
      </span>
      <span role="cell">{j.waited_ms === undefined ? pending ? <Waits since={j.created_at} /> : '–' : lasted(j.waited_ms)}</span>
      <span role="cell">{j.duration_ms === undefined ? '–' : lasted(j.duration_ms)}</span>
      <span role="cell">
        <How job={j} onForce={onForce} />
      </span>
      <span role="cell">{j.epoch > 0 ? j.epoch : '–'}</span>
      <span role="cell">
        <RowMenu of={`job ${short(j.job_id)}`} items={items} open={menu} onOpen={onMenu} />
      </span>
    </div>
  );
}

function Silent({ since }: { since: number | undefined }) {
  const now = useNow();
  return <span className={css.warn}> · robot silent{since === undefined ? '' : ` ${span(Math.max(0, Math.floor((now - since) / 1000) * 1000))}`}</span>;
}

function Waits({ since }: { since: string }) {
  const now = useNow();
  return <span title={`Since ${exact(since)}`}>{span(Math.max(0, Math.floor((now - Date.parse(since)) / 1000) * 1000))}</span>;
}

/** How is how far the job is, or what holds it up, or what came of it. */
function How({ job: j, onForce }: { job: Line; onForce: (() => void) | undefined }) {
  const now = useNow();
  if (j.status === 'pending')
    return (
      <span className={own.why} title={j.waiting_summary ?? ''}>
        {j.waiting_summary || waits(j.waiting_on, j.waiting_reason || j.waiting_code)}
        {j.waiting_since && ` · ${span(Math.max(0, Math.floor((now - Date.parse(j.waiting_since)) / 60_000) * 60_000)).replace(/ 0 s$/, '')}`}
      </span>
    );
  if (j.status === 'cancelling') {
    const left = j.stop_deadline ? Math.max(0, Math.ceil((Date.parse(j.stop_deadline) - now) / 1000)) : undefined;
    return (
      <span className={own.progress}>
        Cancelling…{left === undefined ? '' : ` ${left} s left`}
        {onForce && !j.stop_force && (
          <button type="button" className={own.slim} onClick={onForce}>
            Force stop
          </button>
        )}
      </span>
    );
  }
  if (j.status === 'running' || j.status === 'assigned')
    return (
      <span className={own.progress}>
        <progress max={100} value={j.progress} aria-label="Progress" /> {j.progress} %
        {j.current_node && (
          <span className={own.node} title={j.current_node}>
            {j.current_node}
          </span>
        )}
      </span>
    );
  if (j.retried_as)
    return (
      <>
        retried as{' '}
        <Link to="/fleet/jobs/$id" params={{ id: j.retried_as }} search={{}}>
          {short(j.retried_as)}
        </Link>
      </>
    );
  if (j.retry_of)
    return (
      <>
        {label(j.status)}, retry of{' '}
        <Link to="/fleet/jobs/$id" params={{ id: j.retry_of }} search={{}}>
          {short(j.retry_of)}
        </Link>
      </>
    );
  return (
    <span className={own.why}>
      {j.status === 'completed' ? '100 %' : [j.error_class && label(j.error_class), j.end_reason && label(j.end_reason)].filter(Boolean).join(', ') || '–'}
    </span>
  );
}
