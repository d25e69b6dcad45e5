import { Link } from '@tanstack/react-router';
import type { Schemas } from '../../api/client';
import { useRobot } from '../../parts/live';
import css from '../../parts/parts';
import { type Item, RowMenu } from '../../parts/RowMenu';
import { Status } from '../../parts/Status';
import { Ago, exact, useNow } from '../../parts/Time';
import { label, lasted, priority, span } from '../../parts/words';
import { waits } from '../../words/waiting';
import own from './jobs.module.css';
import { brief, graceLeft, timed, waitedFor } from './rows';

export type Line = Schemas['JobLine'];

export const columns = '36px 198px 84px minmax(98px, 0.95fr) minmax(98px, 0.95fr) 64px 74px 84px 84px 84px minmax(190px, 1.9fr) 58px 44px';
export const width = 1196; // that all columns need
export const heads = ['State', 'Job', 'Workflow', 'Robot', 'Priority', 'Trigger', 'Created', 'Waited', 'Duration', 'Progress', 'Attempt'];

export const short = (id: string): string => `…${id.slice(-8)}`;

interface Props {
  job: Line;
  here: boolean;
  gone: boolean; // it no longer matches, and waits for the list to be let go
  narrow: boolean; // two lines rather than many columns
  chosen: boolean;
  readAt: number; // by the server's clock, when the row was read
  items: readonly Item[];
  menu: boolean;
  onMenu: (open: boolean) => void;
  onChoose: (range: boolean) => void;
  onForce: (() => void) | undefined;
  peek: boolean; // it is looked at beside the list
  onPeek: () => void;
  onCopy: () => void;
}

/** JobRow is one job. What waits says why, what is silent for how long, and what is asked to stop how long it has. */
export function JobRow(p: Props) {
  const { job: j, narrow, chosen, readAt, onChoose } = p;
  const marks = { 'data-here': p.here || undefined, 'data-gone': p.gone || undefined, 'aria-selected': chosen, 'data-job': j.job_id };
  const how = <How job={j} onForce={p.onForce} peek={p.peek} onPeek={p.onPeek} />;
  const tick = (
    <span role="cell" className={own.tick}>
      <input type="checkbox" checked={chosen} aria-label={`Choose ${j.job_id}`} title="x" onChange={() => undefined} onClick={(e) => onChoose(e.shiftKey)} />
    </span>
  );
  const state = (
    <>
      <Status
        word={j.status}
        clock={['time', 'backoff'].includes(j.waiting_on ?? '')}
        {...(j.status === 'running' && j.robot_silent ? { title: 'Nothing was heard of its robot' } : {})}
      />
      {j.status === 'running' && j.robot_silent && (
        <Silent robot={j.robot_id ?? ''} {...(j.silent_for_ms === undefined ? {} : { since: readAt - j.silent_for_ms })} />
      )}
    </>
  );
  const menu = (
    <span role="cell">
      <RowMenu of={`job ${short(j.job_id)}`} items={p.items} open={p.menu} onOpen={p.onMenu} />
    </span>
  );
  if (narrow)
    return (
      <div className={`${css.row} ${own.narrow}`} role="row" {...marks}>
        {tick}
        <span role="cell" className={own.two}>
          <span>
            {state}
            {j.status !== 'cancelling' && <span className={own.why}> · {j.workflow.workflow_name}</span>}
          </span>
          <span className={own.how}>{how}</span>
        </span>
        <span role="cell" className={own.two}>
          <JobLink id={j.job_id} />
          <span className={own.why}>
            <Ago at={j.created_at} />
          </span>
        </span>
        {menu}
      </div>
    );
  return (
    <div className={css.row} role="row" {...marks} style={{ gridTemplateColumns: columns, minWidth: width }}>
      {tick}
      <span role="cell">{state}</span>
      <span role="cell" className={own.id} title={j.job_id}>
        <JobLink id={j.job_id} />
        <button type="button" className={own.copy} title="Copy the id" aria-label={`Copy the id of job ${short(j.job_id)}`} onClick={p.onCopy}>
          <svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
            <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
            <path d="M10.5 3.5v-.5a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h.5" />
          </svg>
        </button>
      </span>
      <span role="cell" title={j.name ? `${j.workflow.workflow_name}: ${j.name}` : j.workflow.workflow_name}>
        {j.workflow.workflow_name}
      </span>
      <Place job={j} />
      <span role="cell" title={`${j.priority}; 0 goes first`}>
        {priority(j.priority)}
      </span>
      <span role="cell">{j.trigger === 'api' ? 'API' : label(j.trigger)}</span>
      <span role="cell">
        <Made at={j.created_at} />
      </span>
      <span role="cell">{j.waited_ms === undefined ? j.status === 'pending' ? <Waits since={j.created_at} /> : '–' : lasted(j.waited_ms)}</span>
      {j.status === 'pending' ? (
        // It has no duration and no progress: its reason has the room of both, and says which attempt it is.
        <span role="cell" aria-colspan={3} className={own.wide}>
          {how}
        </span>
      ) : j.status === 'cancelling' ? (
        <>
          <span role="cell" aria-colspan={2} className={own.both}>
            {how}
          </span>
          <span role="cell">{j.epoch > 0 ? j.epoch : '–'}</span>
        </>
      ) : (
        <>
          <span role="cell">{j.duration_ms === undefined ? '–' : lasted(j.duration_ms)}</span>
          <span role="cell">{how}</span>
          <span role="cell">{j.epoch > 0 ? j.epoch : '–'}</span>
        </>
      )}
      {menu}
    </div>
  );
}

/** ended says why one ended as it did, and of what class that was where the reason does not say so. */
const ended = (reason = '', klass = ''): string => [reason && label(reason), reason.includes(klass) ? '' : label(klass)].filter(Boolean).join(', ') || '–';

/** Made tells how long ago, in one unit: rows are compared, and the exact time is on hover. */
function Made({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exact(at)}>
      {span(Math.max(0, Math.floor((now - Date.parse(at)) / 1000) * 1000))
        .replace(/^0 ms$/, '0 s')
        .replace(/^(\d+ \S+) .*$/, '$1')}{' '}
      ago
    </time>
  );
}

const JobLink = ({ id }: { id: string }) => (
  <Link to="/fleet/jobs/$id" params={{ id }} search={{}} className={css.mono} title={id}>
    {short(id)}
  </Link>
);

/** Place is where the job runs; of one that waits, what keeps it from a robot. */
function Place({ job: j }: { job: Line }) {
  if (j.status === 'pending')
    return (
      <span role="cell" title={j.waiting_summary ?? ''} className={own.why}>
        {waits(j.waiting_on, j.waiting_reason || j.waiting_code)}
      </span>
    );
  return (
    <span role="cell" title={j.robot_id ?? ''}>
      {j.robot_id ? (
        <Link to="/fleet/robots/$id" params={{ id: j.robot_id }}>
          {j.robot_name || j.robot_id}
        </Link>
      ) : (
        'any'
      )}
    </span>
  );
}

/** Silent says for how long nothing was heard of a robot. A fact tells that it is so, and not since when: the robot's own row does. */
function Silent({ robot, since }: { robot: string; since?: number }) {
  const now = useNow();
  const live = useRobot(robot)?.last_heartbeat;
  const last = since ?? live ?? undefined;
  return <span className={css.warn}> · robot silent{last === undefined ? '' : ` ${span(Math.max(0, Math.floor((now - last) / 1000) * 1000))}`}</span>;
}

function Waits({ since }: { since: string }) {
  const now = useNow();
  return <span title={`Since ${exact(since)}`}>{span(Math.max(0, Math.floor((now - Date.parse(since)) / 1000) * 1000))}</span>;
}

/** How is how far the job is, or what holds it up, or what came of it. */
function How({ job: j, onForce, peek, onPeek }: { job: Line; onForce: (() => void) | undefined; peek: boolean; onPeek: () => void }) {
  const now = useNow();
  if (j.status === 'pending') {
    const why = timed(j, now) || brief(j.waiting_summary ?? '') || waits(j.waiting_on, j.waiting_reason || j.waiting_code);
    return (
      <button type="button" className={own.whyButton} title={`${j.waiting_summary || why} Why? Space`} aria-expanded={peek} onClick={onPeek}>
        {why}
        {j.waiting_since && waitedFor(now - Date.parse(j.waiting_since))}
      </button>
    );
  }
  if (j.status === 'cancelling') {
    const left = j.stop_deadline ? Math.floor(graceLeft(j.stop_deadline, now) / 1000) : undefined;
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
  return <span className={own.why}>{j.status === 'completed' ? '100 %' : ended(j.end_reason, j.error_class)}</span>;
}
