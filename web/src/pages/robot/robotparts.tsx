/** The parts of the page of a robot that are lists. */
import { Link } from '@tanstack/react-router';
import { call, type Robot, type Schemas } from '../../api/client';
import { onlyIf, useLive } from '../../parts/live';
import css from '../../parts/parts';
import { capabilities } from '../../parts/RobotPicker/picker';
import { Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Table } from '../../parts/Table';
import { Ago, exact } from '../../parts/Time';
import { between, label, lasted, shapes } from '../../parts/words';
import { told } from '../../words/activity';
import { took } from './machine';
import own from './machine.module.css';

type Job = Schemas['Job'];
const ended = new Set(['completed', 'failed', 'timeout', 'cancelled']);
const tones: Record<string, string> = { completed: 'online', failed: 'error', timeout: 'error', cancelled: 'off' };
const squares = 50;

/** Results are what it runs now, and how its last jobs ended, the newest first. */
export function Results({ jobs }: { jobs: readonly Job[] }) {
  const now = jobs.filter((j) => !ended.has(j.status));
  const last = jobs.filter((j) => ended.has(j.status)).slice(0, squares);
  return (
    <section aria-label="Jobs of now and last results">
      {now.length > 0 && (
        <ul className={css.list} aria-label="What it runs">
          {now.map((j) => (
            <li key={j.job_id}>
              <Status word={j.status} />
              <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} search={{}}>
                {j.workflow.workflow_name}
              </Link>
              <progress max={100} value={j.progress} aria-label={`Progress of ${j.workflow.workflow_name}`} />
              <span className={css.fact}>
                {j.progress} % {j.current_node && `· ${j.current_node}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      {last.length > 0 && (
        <>
          <h2>
            Last {last.length} results, {last.filter((j) => j.status === 'completed').length} completed
          </h2>
          <ol className={own.squares} aria-label="Last results, the newest first">
            {last.map((j) => {
              const what = `${label(j.status)}: ${j.workflow.workflow_name}${between(j.started_at, j.ended_at) && `, ${between(j.started_at, j.ended_at)}`}${j.ended_at ? `, ${exact(j.ended_at)}` : ''}`;
              return (
                <li key={j.job_id}>
                  <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} search={{}} title={what} aria-label={what}>
                    <span className={css.glyph} data-tone={tones[j.status]} aria-hidden="true" style={{ width: 'auto' }}>
                      {shapes[j.status]}
                    </span>
                  </Link>
                </li>
              );
            })}
          </ol>
        </>
      )}
      {jobs.length === 0 && <p className={css.fact}>This robot has had no job yet.</p>}
    </section>
  );
}

const jobHeads = ['State', 'Workflow', 'Created', 'Started', 'Duration', 'Why it failed'];

/** Jobs is the list of its newest jobs. */
export function Jobs({ jobs, loaded }: { jobs: readonly Job[]; loaded: boolean }) {
  if (!loaded) return <Loading what="its jobs" heads={jobHeads} />;
  if (jobs.length === 0) return <p className={css.fact}>This robot has had no job yet.</p>;
  return (
    <Table label="Jobs of the robot" heads={jobHeads}>
      {jobs.slice(0, squares).map((j) => (
        <tr key={j.job_id}>
          <td>
            <Status word={j.status} />
          </td>
          <td>
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} search={{}}>
              {j.workflow.workflow_name}
            </Link>
          </td>
          <td>
            <Ago at={j.created_at} />
          </td>
          <td>{j.started_at ? exact(j.started_at) : '–'}</td>
          <td>{between(j.started_at, j.ended_at) || (ended.has(j.status) ? '–' : `${j.progress} %`)}</td>
          <td>
            {(j.status === 'failed' || j.status === 'timeout') && (
              <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} search={{ pane: 'log' }}>
                {label(j.end_reason || j.error_code || j.error_class || 'log')}
              </Link>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

const steps: Record<string, string> = { requested: 'pending', delivered: 'assigned', done: 'completed', failed: 'failed', expired: 'timeout' };

const commandHeads = ['Command', 'State', 'Asked', 'By', 'Delivered', 'Ended', 'Took', 'What it said'];

/** Commands is what was asked of it: asked, delivered, done or failed, by whom, and how long it took. */
export function Commands({ list }: { list: readonly Schemas['CommandEntry'][] | undefined }) {
  if (!list) return <Loading what="its commands" heads={commandHeads} />;
  if (list.length === 0) return <p className={css.fact}>Nothing was asked of this robot yet. What is asked above is kept here with what became of it.</p>;
  return (
    <Table label="Commands" heads={commandHeads.map((h) => (h === 'Took' ? { number: h } : h))}>
      {list.map((c) => {
        const ms = took(c);
        return (
          <tr key={c.command_id}>
            <td>{label(c.command)}</td>
            <td>
              <span className={css.status}>
                <span className={css.glyph} data-tone={tones[steps[c.status] ?? ''] ?? 'accent'} aria-hidden="true">
                  {shapes[steps[c.status] ?? ''] ?? '·'}
                </span>
                {label(c.status)}
              </span>
            </td>
            <td>
              <Ago at={c.created_at} />
            </td>
            <td>{c.requested_by || '–'}</td>
            <td>{c.delivered_at ? exact(c.delivered_at) : '–'}</td>
            <td>{c.ended_at ? exact(c.ended_at) : '–'}</td>
            <td data-number>{ms === undefined ? 'under way' : lasted(ms)}</td>
            <td>{c.message}</td>
          </tr>
        );
      })}
    </Table>
  );
}

/** Usual are the workflows that usually run on it. Which they are is said with a workflow, not here. */
function Usual({ id }: { id: string }) {
  const may = useMay('workflows:read');
  const list = useLive<Schemas['UsualWorkflowList']>(`usual of ${id} ${may}`, {
    topics: ['events'],
    ask: (s) => (may ? call('GET', `/robots/${encodeURIComponent(id)}/assignments`, undefined, s) : Promise.resolve({ assignments: [] })),
    take: onlyIf((f) => f.type === 'assignment.changed'),
  });
  if (may === false) return <>This needs the permission workflows:read.</>;
  if (list.error) return <span className={css.bad}>{list.error.message}</span>;
  if (!list.data) return null;
  if (list.data.assignments.length === 0)
    return (
      <>
        None <span className={css.hint}>set with fleet workflow assign WORKFLOW {id}</span>
      </>
    );
  return list.data.assignments.map((u, i) => (
    <span key={u.workflow_id}>
      {i > 0 && ', '}
      <Link to="/workflows/$id" params={{ id: u.workflow_id }} title={u.notes}>
        {u.workflow_name}
      </Link>{' '}
      <span className={css.hint}>{u.is_default ? 'tried here before all others' : `priority ${u.priority}, 0 goes first`}</span>
    </span>
  ));
}

const said = (v: unknown): string => (typeof v === 'string' ? v : JSON.stringify(v));

/** Config is what is known of it, and which of that a person has set. */
export function Config({ r, may, onEdit }: { r: Robot; may: boolean; onEdit: () => void }) {
  const pinned = new Set(r.pinned ?? []);
  const set = (field: string) => (pinned.has(field) ? <span className={css.hint}> set by a person</span> : null);
  // What the orchestrator itself noted stands among the checks of its health.
  const facts = Object.entries(r.facts ?? {})
    .filter(([, f]) => f.source !== 'probe')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <>
      <dl className={css.facts}>
        <dt>Id</dt>
        <dd className={css.mono}>{r.robot_id}</dd>
        <dt>Name</dt>
        <dd>
          {r.name}
          {set('name')}
        </dd>
        <dt>Host</dt>
        <dd>{[r.hostname, r.os, r.arch].filter(Boolean).join(' · ') || '–'}</dd>
        <dt>Version</dt>
        <dd>{r.agent_version ?? '–'}</dd>
        <dt>Environment</dt>
        <dd>
          {r.environment} <span className={css.hint}>comes from its key</span>
        </dd>
        <dt>Tenant</dt>
        <dd>
          {r.tenant_id}
          {(r.shared_with ?? []).length > 0 && `, shared with ${(r.shared_with ?? []).join(', ')}`}
        </dd>
        <dt>Pool</dt>
        <dd>
          {r.pool}
          {set('pool')}
        </dd>
        <dt>Jobs at once</dt>
        <dd>{r.slot_limit ? `at most ${r.slot_limit}; the robot asks for ${r.wished_slots}` : `${r.wished_slots}, as the robot asks`}</dd>
        <dt>Capabilities</dt>
        <dd>{r.capabilities.map((w) => capabilities.find((c) => c.word === w)?.name ?? w).join(', ') || 'None'}</dd>
        <dt>Tags</dt>
        <dd>
          {r.tags.join(', ') || 'None'}
          {set('tags')}
        </dd>
        <dt>Default workflows</dt>
        <dd>
          <Usual id={r.robot_id} />
        </dd>
        <dt>Known since</dt>
        <dd>{exact(r.created_at)}</dd>
        {facts.map(([name, f]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt className={css.mono}>{name}</dt>
            <dd>
              {said(f.value)} <span className={css.hint}>{f.source === 'robot' ? 'said by the robot' : f.source}</span>
            </dd>
          </div>
        ))}
      </dl>
      <div className={css.bar}>
        <button type="button" disabled={!may} title={may ? undefined : 'This needs the permission robots:manage.'} onClick={onEdit}>
          Edit…
        </button>
      </div>
    </>
  );
}

const shown = 200;

/** Events is its part of the log, the newest first. */
export function Events({ list, may }: { list: readonly Schemas['Event'][] | undefined; may: boolean }) {
  if (!may) return <p className={css.fact}>Your role cannot read events. This needs the permission events:read.</p>;
  if (!list) return <Loading what="its events" />;
  if (list.length === 0) return <p className={css.fact}>Nothing happened to this robot within what the log keeps.</p>;
  return (
    <>
      <ul className={css.list}>
        {[...list]
          .reverse()
          .slice(0, shown)
          .map((e) => {
            const d = (e.data ?? {}) as {
              reason?: string;
              orphaned_job_ids?: string[];
              from?: string;
              to?: string;
              note?: string;
              hostname?: string;
              other_hostname?: string;
            };
            const more = [
              d.reason,
              d.from && d.to && `${label(d.from)} → ${label(d.to)}`,
              d.note,
              d.other_hostname && `${d.hostname} and ${d.other_hostname}`,
              d.orphaned_job_ids && d.orphaned_job_ids.length > 0 && `${d.orphaned_job_ids.length} jobs had no robot then`,
            ].filter(Boolean);
            return (
              <li key={e.seq}>
                <time dateTime={e.at}>{exact(e.at)}</time>
                <span>{told(e).text}</span>
                <span className={css.fact}>
                  {more.join(' · ')} {e.actor && `by ${e.actor}`}
                </span>
              </li>
            );
          })}
      </ul>
      {list.length > shown && (
        <p className={css.fact}>
          The newest {shown} of {list.length}.
        </p>
      )}
    </>
  );
}
