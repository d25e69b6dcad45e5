import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { call, type Robot, type Schemas } from '../../api/client';
import type { Fact } from '../../live/frames';
import { useAct } from '../../parts/act';
import { FleetTabs } from '../../parts/FleetTabs';
import { takeJob, touchJob, useLive, useRobot } from '../../parts/live';
import { ProductionMark, useProduction } from '../../parts/Production';
import parts from '../../parts/parts';
import { RunDialog } from '../../parts/RunDialog';
import { Said } from '../../parts/Said';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { useMay } from '../../parts/session';
import { exact } from '../../parts/Time';
import { label } from '../../parts/words';
import type { Asked } from './actions';
import type { BulkKind } from './bulk';
import { EditRobot } from './dialogs';
import { Health } from './Health';
import { Machine } from './Machine';
import css from './machine.module.css';
import { Doubled, Heard, Meter, memory, Silent } from './RobotRow';
import { Commands, Config, Events, Jobs, Results } from './robotparts';
import { pips } from './rows';
import { type RobotTab, type Span, type Tab, tabs } from './tabs';
import { useLimits } from './use';

const BulkDialog = lazy(() => import('./BulkDialog'));
const RobotLog = lazy(() => import('./RobotLog').then((m) => ({ default: m.RobotLog })));

const commands: readonly BulkKind[] = ['pause', 'resume', 'drain', 'maintenance', 'start', 'restart', 'stop'];
const plain = new Set<BulkKind>(['resume', 'start']); // nothing is asked about them
const pageOf = 1000; // events in one answer
const pagesOf = 5;

/** eventsOf reads the log of a robot, the oldest first, up to what a page can show. */
async function eventsOf(id: string, signal: AbortSignal): Promise<Schemas['Event'][]> {
  const all: Schemas['Event'][] = [];
  let after = 0;
  for (let i = 0; i < pagesOf; i++) {
    const q = new URLSearchParams({ subject: 'robot', subject_id: id, limit: String(pageOf), after: String(after) });
    const page = await call<Schemas['EventPage']>('GET', `/events?${q}`, undefined, signal);
    all.push(...page.events);
    after = page.events.at(-1)?.seq ?? after;
    if (page.events.length < pageOf) break;
  }
  return all;
}

/** RobotPage is one robot: how it is, what it runs, what it writes and what was asked of it. */
export function RobotPage({ id, search, onSearch }: { id: string; search: RobotTab; onSearch: (s: RobotTab) => void }) {
  const at = `/robots/${encodeURIComponent(id)}`;
  const mine = (_: unknown, f: Fact) => (f.topic === 'robots' && f.id === id ? ('again' as const) : undefined);
  const robot = useLive<Robot>(at, { topics: ['robots'], ask: (s) => call('GET', at, undefined, s), take: mine });
  const asked = useLive<Schemas['CommandList']>(`${at}/commands`, {
    topics: ['robots'],
    ask: (s) => call('GET', `${at}/commands?limit=50`, undefined, s),
    take: mine,
  });
  const jobs = useLive<Schemas['JobList']>(`jobs of ${id}`, {
    topics: ['jobs'],
    ask: (s) => call('GET', `/jobs?limit=200&robot_id=${encodeURIComponent(id)}`, undefined, s),
    take: takeJob((j) => j.robot_id === id),
    touch: touchJob,
  });
  const sees = useMay('events:read') ?? false;
  const events = useLive<Schemas['Event'][]>(`events of ${id} ${sees}`, {
    topics: ['robots'],
    ask: (s) => (sees ? eventsOf(id, s) : Promise.resolve([])),
    take: mine,
  });
  const live = useRobot(id);
  const limits = useLimits();
  const marked = useProduction();
  const known = useMay('robots:operate');
  const manage = useMay('robots:manage') ?? false;
  const run = useMay('jobs:run') ?? false;
  const may = known ?? false;
  const [wish, setWish] = useState<Asked>();
  const [open, setOpen] = useState<'edit' | 'run'>();
  const act = useAct();
  const r = robot.data;
  const tab = (search.tab ?? 'overview') as Tab;
  const range = (search.range ?? '1h') as Span;
  const send = (kind: BulkKind | 'self-test') =>
    void act
      .run(
        `Asking for ${kind}…`,
        () => call<Schemas['RobotCommand']>('POST', `${at}/${kind}`, {}),
        (a) => a.message ?? 'Asked.',
      )
      .then(() => {
        robot.again();
        asked.again();
      });
  const all = jobs.data?.jobs ?? [];
  const status = live?.status ?? r?.status ?? 'offline';
  const on = status !== 'offline';
  const heard = live?.last_heartbeat ?? (r?.last_seen ? Date.parse(r.last_seen) : null);
  const silent = on && (live?.silent ?? r?.suspect ?? false);
  const taken = live?.current_jobs ?? r?.current_jobs ?? 0;
  const slots = live?.max_concurrent_jobs ?? r?.wished_slots ?? 0;
  const cpu = live?.cpu_percent ?? r?.metrics.cpu_percent ?? 0;
  const machine = (
    <Machine
      id={id}
      mode={r?.mode ?? 'active'}
      since={r ? Date.parse(r.created_at) : 0}
      range={range}
      onRange={(x) => onSearch({ ...search, range: x })}
      events={events.data ?? []}
      jobs={all}
    />
  );
  return (
    <div className={`${parts.page} ${tab === 'logs' ? parts.fixed : ''}`}>
      <FleetTabs />
      <div className={parts.head}>
        <h1 className={parts.mono}>{r?.name || id}</h1>
        {r && <Status word={status} {...(r.mode_note ? { more: `· ${r.mode_note}` } : {})} />}
        {silent && heard && <Silent at={heard} />}
        {r?.duplicate_of && <Doubled host={r.hostname} other={r.duplicate_of} />}
        {r?.mode_until && <span className={parts.fact}>until {exact(r.mode_until)}</span>}
        <span className={parts.grow} />
        <Link to="/fleet/robots" search={{}}>
          All robots
        </Link>
        {r && (
          <button
            type="button"
            className={parts.primary}
            disabled={!run}
            title={run ? undefined : 'Your role may not run jobs.'}
            onClick={() => setOpen('run')}
          >
            Run a workflow here…
          </button>
        )}
      </div>
      {r && (
        <div className={parts.fact} data-testid="now">
          {pips(taken, slots)} {taken}/{slots} jobs · {on ? <Meter share={cpu} old={silent} text={`CPU ${Math.round(cpu)} %`} /> : 'CPU –'} ·{' '}
          {on ? `memory ${memory(live?.memory_mb ?? r.metrics.memory_mb)} (${Math.round(r.metrics.memory_percent)} %)` : 'memory –'}
          {on && ` · disk ${Math.round(r.metrics.disk_percent)} %`} · {r.environment} {marked.names.has(r.environment) && <ProductionMark />} · heard of{' '}
          <Heard at={heard} limits={limits.get(r.environment)} environment={r.environment} />
          {r.quarantine_until && ` · in quarantine until ${exact(r.quarantine_until)}`}
        </div>
      )}
      {robot.error && <Fault error={robot.error} asOf={r ? robot.asOf : ''} again={robot.again} />}
      {!r && !robot.error && <Loading what="the robot" />}
      {r && (
        <>
          <div className={`${parts.bar} ${css.commands}`}>
            {commands.map((c) => (
              <button key={c} type="button" disabled={!may || act.busy} onClick={() => (plain.has(c) ? send(c) : setWish({ kind: c, ids: [id] }))}>
                {label(c)}
                {plain.has(c) ? '' : '…'}
              </button>
            ))}
            <button type="button" disabled={!may || act.busy} onClick={() => send('self-test')}>
              Self-test
            </button>
            {known === false && <span className={parts.fact}>Your role can see robots but not operate them.</span>}
          </div>
          <Said act={act} />
          <nav className={parts.tabs} aria-label="Parts of the robot">
            {tabs.map((t) => (
              <Link
                key={t}
                to="/fleet/robots/$id"
                params={{ id }}
                activeOptions={{ exact: true, includeSearch: true }}
                search={{ ...(t === 'overview' ? {} : { tab: t }), ...(search.range ? { range: search.range } : {}) }}
                {...(t === tab ? { 'aria-current': 'page' as const } : {})}
              >
                {label(t)}
              </Link>
            ))}
          </nav>
          {tab === 'overview' && (
            <>
              <Results jobs={all} />
              {machine}
              <Health id={id} />
            </>
          )}
          {tab === 'jobs' && <Jobs jobs={all} loaded={jobs.data !== undefined} />}
          {(tab === 'metrics' || tab === 'jobs') && machine}
          {tab === 'logs' && (
            <Suspense fallback={<Loading what="its log" />}>
              <RobotLog id={id} />
            </Suspense>
          )}
          {tab === 'commands' && <Commands list={asked.data?.commands} />}
          {tab === 'config' && <Config r={r} may={manage} onEdit={() => setOpen('edit')} />}
          {tab === 'events' && <Events list={events.data} may={sees} />}
        </>
      )}
      <Suspense fallback={null}>
        {wish && (
          <BulkDialog
            asked={wish}
            onClose={() => setWish(undefined)}
            onStarted={() => {
              act.say(`${label(wish.kind)} is asked for.`);
              setWish(undefined);
              asked.again();
            }}
          />
        )}
      </Suspense>
      {open === 'edit' && <EditRobot id={id} onClose={() => setOpen(undefined)} onDone={robot.again} />}
      {open === 'run' && (
        <RunDialog
          robot={{ id, name: r?.name || id }}
          onClose={() => setOpen(undefined)}
          onDone={() => {
            setOpen(undefined);
            act.say('The job is submitted; it waits for this robot.');
            jobs.again();
          }}
        />
      )}
    </div>
  );
}
