import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call, Refusal, type Robot, type Schemas } from '../../api/client';
import { Confirm } from '../../parts/Confirm';
import { FleetTabs } from '../../parts/FleetTabs';
import { takeJob, touchJob, useLive, useRobot } from '../../parts/live';
import css from '../../parts/parts.module.css';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { Ago } from '../../parts/Time';
import { between, label } from '../../parts/words';
import { Health } from './Health';
import type { RobotTab } from './tabs';

const commands = ['pause', 'resume', 'drain', 'maintenance', 'start', 'restart', 'stop'] as const;
const asks = new Set<string>(['drain', 'maintenance', 'restart', 'stop']);

/** RobotPage is one robot: how it is, what it runs, what was asked of it. */
export function RobotPage({ id }: { id: string; search: RobotTab; onSearch: (s: RobotTab) => void }) {
  const at = `/robots/${encodeURIComponent(id)}`;
  const mine = (f: { id: string; topic: string }) => (f.topic === 'robots' && f.id === id ? ('again' as const) : undefined);
  const robot = useLive(at, { topics: ['robots'], ask: (s) => call<Robot>('GET', at, undefined, s), take: (_, f) => mine(f) });
  const asked = useLive(`${at}/commands`, {
    topics: ['robots'],
    ask: (s) => call<Schemas['CommandList']>('GET', `${at}/commands?limit=20`, undefined, s),
    take: (_, f) => mine(f),
  });
  const jobs = useLive(`jobs of ${id}`, {
    topics: ['jobs'],
    ask: (s) => call<Schemas['JobList']>('GET', `/jobs?limit=20&robot_id=${encodeURIComponent(id)}`, undefined, s),
    take: takeJob((j) => j.robot_id === id),
    touch: touchJob,
  });
  const live = useRobot(id);
  const known = useMay('robots:operate');
  const may = known ?? false;
  const [sure, setSure] = useState('');
  const [said, setSaid] = useState('');
  const send = (command: string) => {
    setSure('');
    setSaid(`Asking for ${command}…`);
    call<Schemas['RobotCommand']>('POST', `${at}/${command}`, {})
      .then((a) => setSaid(a.message))
      .catch((e) => setSaid(e instanceof Refusal ? `${e.message} ${e.fix}` : String(e)))
      .finally(() => {
        robot.again();
        asked.again();
      });
  };
  const r = robot.data;
  return (
    <div className={css.page}>
      <FleetTabs />
      <div className={css.head}>
        <h1 className={css.mono}>{r?.name || id}</h1>
        {r && <Status word={live?.status ?? r.status} {...(r.mode_note ? { more: `· ${r.mode_note}` } : {})} />}
        <span className={css.grow} />
        <Link to="/fleet/robots" search={{}}>
          All robots
        </Link>
      </div>
      {robot.error && <Fault error={robot.error} asOf={r ? robot.asOf : ''} again={robot.again} />}
      {!r && !robot.error && <Loading what="the robot" />}
      {r && (
        <>
          <div className={css.bar}>
            {commands.map((c) => (
              <button key={c} type="button" disabled={!may} onClick={() => (asks.has(c) ? setSure(c) : send(c))}>
                {label(c)}
                {asks.has(c) ? '…' : ''}
              </button>
            ))}
            {known === false && <span className={css.fact}>Your role can see robots but not operate them.</span>}
            <span role="status">{said}</span>
          </div>
          <h2>Now</h2>
          <dl className={css.facts}>
            <dt>Last heartbeat</dt>
            <dd>
              <Ago at={live?.last_heartbeat ?? r.last_seen} />
              {(live?.silent ?? r.suspect) && r.status !== 'offline' && <span className={css.warn}> · silent</span>}
            </dd>
            <dt>Jobs</dt>
            <dd>
              {live?.current_jobs ?? r.current_jobs}/{live?.max_concurrent_jobs ?? r.wished_slots}
            </dd>
            <dt>CPU</dt>
            <dd>{r.connected ? `${Math.round(live?.cpu_percent ?? r.metrics.cpu_percent)} %` : '–'}</dd>
            <dt>Memory</dt>
            <dd>{r.connected ? `${Math.round(live?.memory_mb ?? r.metrics.memory_mb)} MB (${Math.round(r.metrics.memory_percent)} %)` : '–'}</dd>
            <dt>Disk</dt>
            <dd>{r.connected ? `${Math.round(r.metrics.disk_percent)} %` : '–'}</dd>
            {r.quarantine_until && (
              <>
                <dt>Quarantined until</dt>
                <dd>{new Date(r.quarantine_until).toLocaleString()}</dd>
              </>
            )}
          </dl>
          <Health id={id} />
          <h2>What it is</h2>
          <dl className={css.facts}>
            <dt>Id</dt>
            <dd className={css.mono}>{r.robot_id}</dd>
            <dt>Host</dt>
            <dd>{[r.hostname, r.os, r.arch].filter(Boolean).join(' · ') || '–'}</dd>
            <dt>Environment</dt>
            <dd>{r.environment}</dd>
            <dt>Version</dt>
            <dd>{r.agent_version ?? '–'}</dd>
            <dt>Capabilities</dt>
            <dd>{r.capabilities.map(label).join(', ') || 'None'}</dd>
            <dt>Tags</dt>
            <dd>{r.tags.join(', ') || 'None'}</dd>
          </dl>
        </>
      )}
      <h2>Jobs</h2>
      {jobs.data?.jobs.length === 0 && <p className={css.fact}>This robot has had no job yet.</p>}
      <ul className={css.list}>
        {jobs.data?.jobs.map((j) => (
          <li key={j.job_id}>
            <Status word={j.status} />
            <Link to="/fleet/jobs/$id" params={{ id: j.job_id }}>
              {j.workflow.workflow_name}
            </Link>
            <span className={css.fact}>
              <Ago at={j.created_at} /> {between(j.started_at, j.ended_at) && `· took ${between(j.started_at, j.ended_at)}`}
            </span>
          </li>
        ))}
      </ul>
      <h2>Commands</h2>
      {asked.data?.commands.length === 0 && <p className={css.fact}>Nothing was asked of this robot yet.</p>}
      <ul className={css.list}>
        {asked.data?.commands.map((c) => (
          <li key={c.command_id}>
            {label(c.command)}: {c.status}
            <span className={css.fact}>
              <Ago at={c.created_at} /> {c.requested_by && `by ${c.requested_by}`} {c.message}
            </span>
          </li>
        ))}
      </ul>
      {sure && r && (
        <Confirm title={`${label(sure)} ${r.name || id}?`} action={`${label(sure)} the robot`} onClose={() => setSure('')} onConfirm={() => send(sure)}>
          <p>{r.current_jobs === 0 ? 'It runs nothing now.' : `It runs ${r.current_jobs} jobs now.`}</p>
        </Confirm>
      )}
    </div>
  );
}
