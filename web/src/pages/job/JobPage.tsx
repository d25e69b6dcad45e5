import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { call, type Job, Refusal, type Schemas } from '../../api/client';
import { Confirm } from '../../parts/Confirm';
import { FleetTabs } from '../../parts/FleetTabs';
import { useLive } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Scroll } from '../../parts/Scroll';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Ago, exact, useNow } from '../../parts/Time';
import { lasted, priority } from '../../parts/words';
import own from './job.module.css';
import { LogView } from './LogView';
import { Moment } from './Moment';
import { Attempts, Events, Raw, Steps, Variables } from './panes';
import { type DetailSearch, final, left, lineOf, right, stoppable } from './rows';
import { Timeline } from './Timeline';

type Detail = Schemas['JobDetail'];

/** title names a node: by its id, which is what logs and errors call it. */
const title = (node: string) => node;

export interface GraphProps {
  job: Detail;
  told: Schemas['JobTimeline'];
  node: string;
  onNode: (id: string) => void;
}

interface Props {
  id: string;
  search: DetailSearch;
  onSearch: (s: Partial<{ [K in keyof DetailSearch]: DetailSearch[K] | undefined }>) => void;
  graph: (p: GraphProps) => ReactNode;
}

/** JobPage is one job: how it stands and why, when what happened, and what it said. */
export function JobPage({ id, search, onSearch, graph }: Props) {
  const at = `/jobs/${encodeURIComponent(id)}`;
  const topics = [`job:${id}`];
  const job = useLive<Detail>(at, {
    topics,
    ask: (s) => call<Detail>('GET', at, undefined, s),
    take: (data, f) => {
      const row = f.d as Job | undefined;
      if (f.op === 'del') return 'again';
      return row === undefined || row.version > data.version ? 'again' : undefined;
    },
    touch: (data, [kind, job_id, epoch, progress, node]) =>
      kind === 'j' && job_id === id && epoch === data.epoch && (progress as number) >= data.progress
        ? { ...data, progress: progress as number, current_node: node as string }
        : undefined,
  });
  const told = useLive<Schemas['JobTimeline']>(`${at}/timeline`, {
    topics,
    ask: (s) => call('GET', `${at}/timeline`, undefined, s),
    touch: (_, [kind, job_id]) => (kind === 'j' && job_id === id ? 'again' : undefined),
  });
  const retries = useLive<Schemas['JobList']>(`${at}/retries`, {
    topics: ['jobs'],
    ask: (s) => call('GET', `/jobs?retry_of=${encodeURIComponent(id)}&limit=5`, undefined, s),
    take: (_, f) => ((f.d as Job | undefined)?.retry_of === id ? 'again' : undefined),
  });
  const mayRun = useMay('jobs:run');
  const mayDecide = useMay('jobs:decide') ?? false;
  const j = job.data;
  const tab = search.tab ?? 'timeline';
  const pane = search.pane ?? 'log';
  const node = search.node ?? '';
  const onNode = (n: string) => onSearch({ node: n === node ? undefined : n });
  return (
    <div className={`${css.page} ${own.page}`}>
      <FleetTabs />
      {job.error && <Fault error={job.error} asOf={j ? job.asOf : ''} again={job.again} />}
      {!j && (
        <>
          <h1>Job</h1>
          {!job.error && <Loading what="the job" />}
        </>
      )}
      {j && (
        <>
          <Head job={j} mayRun={mayRun} retries={retries.data?.jobs ?? []} onDone={job.again} />
          <Moment
            job={j}
            mayRun={mayRun ?? false}
            mayDecide={mayDecide}
            onDone={job.again}
            onError={pane === 'log' ? undefined : () => onSearch({ pane: undefined, line: undefined })}
          />
          <div className={own.panes}>
            <section className={own.pane} aria-label="What happened">
              <Tabs name="What happened" list={left} chosen={tab} onChoose={(t) => onSearch({ tab: t === 'timeline' ? undefined : t })} />
              <Scroll label={tab} className={own.paneBody}>
                {told.error && <Fault error={told.error} asOf={told.data ? told.asOf : ''} again={told.again} />}
                {!told.data && !told.error && <Loading what="the timeline" />}
                {told.data && tab === 'timeline' && <Timeline told={told.data} title={title} node={node} onNode={onNode} />}
                {told.data && tab === 'graph' && graph({ job: j, told: told.data, node, onNode })}
                {told.data && tab === 'steps' && <Steps told={told.data} title={title} node={node} onNode={onNode} />}
              </Scroll>
            </section>
            <section className={own.pane} aria-label="Details">
              <Tabs name="Details" list={right} chosen={pane} onChoose={(p) => onSearch({ pane: p === 'log' ? undefined : p })} />
              <Scroll label={pane} className={own.paneBody} data-log={pane === 'log' || undefined}>
                {pane === 'log' && (
                  <LogView
                    key={`${id} ${final(j.status)}`}
                    job={j}
                    at={lineOf(search.line)}
                    title={title}
                    onNode={onNode}
                    onAt={(l) => onSearch({ line: `${l.epoch}.${l.line}` })}
                  />
                )}
                {pane === 'variables' && <Variables job={j} />}
                {pane === 'attempts' && <Attempts attempts={told.data?.attempts ?? []} />}
                {pane === 'events' && <Events id={id} />}
                {pane === 'raw' && <Raw value={j} />}
              </Scroll>
            </section>
          </div>
        </>
      )}
    </div>
  );
}

function Tabs<T extends string>({ name, list, chosen, onChoose }: { name: string; list: readonly T[]; chosen: T; onChoose: (t: T) => void }) {
  return (
    <div role="tablist" aria-label={name} className={own.tabs}>
      {list.map((t) => (
        <button key={t} type="button" role="tab" aria-selected={t === chosen} onClick={() => onChoose(t)}>
          {(t[0] ?? '').toUpperCase() + t.slice(1)}
        </button>
      ))}
    </div>
  );
}

/** Head says what the job is, how it stands, and what can be done with it. */
function Head({ job: j, mayRun, retries, onDone }: { job: Detail; mayRun: boolean | undefined; retries: Job[]; onDone: () => void }) {
  const [sure, setSure] = useState<'cancel' | 'force' | 'retry'>();
  const [reason, setReason] = useState('');
  const [dependents, setDependents] = useState(true);
  const [said, setSaid] = useState<ReactNode>('');
  const now = useNow();
  const act = () => {
    const what = sure;
    setSure(undefined);
    const done =
      what === 'retry'
        ? call<Schemas['RetryAnswer']>('POST', `/jobs/${j.job_id}/retry`, j.dependents ? { with_dependents: dependents } : {}).then((a) => (
            <>
              {a.message}{' '}
              <Link to="/fleet/jobs/$id" params={{ id: a.new_job_id }} search={{}}>
                Open the new job
              </Link>
            </>
          ))
        : call<Schemas['CancelAnswer']>('POST', `/jobs/${j.job_id}/cancel`, {
            ...(reason ? { reason } : {}),
            ...(what === 'force' ? { force: true } : {}),
          }).then((a) => a.message);
    setSaid(what === 'retry' ? 'Retrying…' : 'Cancelling…');
    done
      .then(setSaid)
      .catch((e) => setSaid(e instanceof Refusal ? `${e.message} ${e.fix}` : String(e)))
      .finally(onDone);
  };
  const began = j.started_at;
  const ended = j.ended_at;
  return (
    <>
      <div className={css.head}>
        <h1>{j.workflow.workflow_name}</h1>
        <Status word={j.status} {...(j.robot_silent ? { more: '· robot silent' } : {})} />
        {j.status === 'running' && (
          <span>
            <progress max={100} value={j.progress} aria-label="Progress" /> {j.progress} %
            {j.current_node && <span className={css.fact}> · {j.current_node}</span>}
          </span>
        )}
        <span className={css.grow} />
        {stoppable(j.status) && (
          <button type="button" disabled={!mayRun} onClick={() => setSure('cancel')}>
            Cancel…
          </button>
        )}
        {j.status === 'cancelling' && (
          <button type="button" disabled={!mayRun || j.stop_force} onClick={() => setSure('force')}>
            {j.stop_force ? 'Stopping by force…' : 'Force stop…'}
          </button>
        )}
        {final(j.status) && (
          <button type="button" className={j.status === 'completed' ? '' : css.primary} disabled={!mayRun} onClick={() => setSure('retry')}>
            {j.status === 'completed' ? 'Run again…' : 'Retry…'}
          </button>
        )}
        <Link
          to="/workflows/$id/versions/$v"
          params={{ id: j.workflow.workflow_id, v: String(j.workflow.version) }}
          search={{ run: j.job_id }}
          className={own.linkButton}
        >
          Open on the canvas
        </Link>
      </div>
      {mayRun === false && <p className={css.fact}>Your role can see jobs but not run, cancel or retry them.</p>}
      <p role="status" className={own.said}>
        {said}
      </p>
      <dl className={own.facts}>
        <div>
          <dt>Job</dt>
          <dd className={css.mono}>{j.job_id}</dd>
        </div>
        {j.name && (
          <div>
            <dt>Name</dt>
            <dd>{j.name}</dd>
          </div>
        )}
        <div>
          <dt>Version</dt>
          <dd>{j.workflow.version}</dd>
        </div>
        <div>
          <dt>Robot</dt>
          <dd>
            {j.robot_id ? (
              <Link to="/fleet/robots/$id" params={{ id: j.robot_id }} search={{}}>
                {j.robot_id}
              </Link>
            ) : (
              (j.target_robot_id ?? 'Any that fits')
            )}
          </dd>
        </div>
        <div>
          <dt>Environment</dt>
          <dd>{j.environment}</dd>
        </div>
        <div>
          <dt>Priority (0 goes first)</dt>
          <dd>{priority(j.priority)}</dd>
        </div>
        <div>
          <dt>Submitted</dt>
          <dd>
            <Ago at={j.created_at} />
            {j.submitted_by && ` by ${j.submitted_by}`}
          </dd>
        </div>
        {j.wait_ms !== undefined && (
          <div>
            <dt>Waited</dt>
            <dd>{lasted(j.wait_ms)}</dd>
          </div>
        )}
        {began && (
          <div>
            <dt>{ended ? 'Took' : 'Runs for'}</dt>
            <dd title={exact(began)}>
              {j.duration_ms !== undefined && ended ? lasted(j.duration_ms) : lasted(Math.max(0, (ended ? Date.parse(ended) : now) - Date.parse(began)))}
            </dd>
          </div>
        )}
        {j.epoch > 1 && (
          <div>
            <dt>Attempt</dt>
            <dd>{j.epoch}</dd>
          </div>
        )}
        {j.retry_of && (
          <div>
            <dt>Retry of</dt>
            <dd>
              <Link to="/fleet/jobs/$id" params={{ id: j.retry_of }} search={{}} className={css.mono}>
                …{j.retry_of.slice(-8)}
              </Link>
            </dd>
          </div>
        )}
        {retries.length > 0 && (
          <div>
            <dt>Retried as</dt>
            <dd>
              {retries.map((r) => (
                <span key={r.job_id}>
                  <Link to="/fleet/jobs/$id" params={{ id: r.job_id }} search={{}} className={css.mono}>
                    …{r.job_id.slice(-8)}
                  </Link>{' '}
                  ({r.status.replaceAll('_', ' ')}){' '}
                </span>
              ))}
            </dd>
          </div>
        )}
        {j.parent_job_id && (
          <div>
            <dt>Part {j.segment} of</dt>
            <dd>
              <Link to="/fleet/jobs/$id" params={{ id: j.parent_job_id }} search={{}} className={css.mono}>
                …{j.parent_job_id.slice(-8)}
              </Link>
            </dd>
          </div>
        )}
      </dl>
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
      {sure === 'cancel' && (
        <Confirm title={`Cancel ${j.workflow.workflow_name}?`} action="Cancel the job" onClose={() => setSure(undefined)} onConfirm={act}>
          <p>
            {j.status === 'running' ? `The robot ${j.robot_id} is asked to stop. What the job has done stays done.` : 'It has not begun, and ends at once.'}
          </p>
          <label>
            Reason <input value={reason} onChange={(e) => setReason(e.target.value)} />
          </label>
        </Confirm>
      )}
      {sure === 'force' && (
        <Confirm title={`Force ${j.workflow.workflow_name} to stop?`} action="Stop by force" onClose={() => setSure(undefined)} onConfirm={act}>
          <p>The robot ends the processes of the job at once. What it was writing may be half done.</p>
        </Confirm>
      )}
      {sure === 'retry' && (
        <Confirm title={`Run ${j.workflow.workflow_name} again?`} action="Make a new job" onClose={() => setSure(undefined)} onConfirm={act}>
          <p>A new job with the same workflow version and inputs is made. This one stays as it is, and both link to each other.</p>
          {(j.dependents ?? 0) > 0 && (
            <label>
              <input type="checkbox" checked={dependents} onChange={(e) => setDependents(e.target.checked)} /> Also the {j.dependents} that depend on it
            </label>
          )}
        </Confirm>
      )}
    </>
  );
}
