import { Link } from '@tanstack/react-router';
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { call, type Robot, type Schemas } from '../../api/client';
import { useLive, useRobot } from '../../parts/live';
import { capabilities } from '../../parts/RobotPicker/picker';
import { Status } from '../../parts/Status';
import { Ago, exact } from '../../parts/Time';
import { between, label } from '../../parts/words';
import { drawn } from './health';
import { Heard, memory, Silent } from './RobotRow';
import css from './robots.module.css';
import { pips } from './rows';
import type { LimitsOf } from './use';

/** patience is how long a pointer or the focus must rest before the card comes. */
const patience = 350;
const grace = 200; // for the way of the pointer from the row into the card

export interface Place {
  id: string;
  left: number;
  top: number;
  bottom: number;
}

interface Common {
  limits: LimitsOf;
  onClose: () => void;
  onMaintenance: (id: string) => void;
}

/** Peeks shows a card beside what has data-peek in box when the pointer or the focus rests there, and the one that is pinned. */
export function Peeks({ box, pinned, ...p }: Common & { box: RefObject<HTMLElement | null>; pinned: string | undefined }) {
  const [place, setPlace] = useState<Place>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const soon = (f: () => void, ms: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(f, ms);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: soon does always the same
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const enter = (e: Event) => {
      const on = e.target instanceof Element ? e.target.closest<HTMLElement>('[data-peek]') : null;
      if (!on) return;
      soon(() => {
        const r = on.getBoundingClientRect();
        if (on.isConnected && on.dataset.peek) setPlace({ id: on.dataset.peek, left: r.left + 24, top: r.top, bottom: r.bottom });
      }, patience);
    };
    const leave = (e: Event) => {
      if (e.target instanceof Element && e.target.closest('[data-peek]')) soon(() => setPlace(undefined), grace);
    };
    const away = () => {
      clearTimeout(timer.current);
      setPlace(undefined);
    };
    el.addEventListener('pointerover', enter);
    el.addEventListener('pointerout', leave);
    el.addEventListener('focusin', enter);
    el.addEventListener('focusout', leave);
    el.addEventListener('scroll', away, { passive: true });
    el.addEventListener('pointerdown', away);
    return () => {
      clearTimeout(timer.current);
      el.removeEventListener('pointerover', enter);
      el.removeEventListener('pointerout', leave);
      el.removeEventListener('focusin', enter);
      el.removeEventListener('focusout', leave);
      el.removeEventListener('scroll', away);
      el.removeEventListener('pointerdown', away);
    };
  }, [box]);
  useEffect(() => {
    if (!place) return;
    const key = (e: KeyboardEvent) => e.key === 'Escape' && setPlace(undefined);
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, [place]);
  if (pinned) return <Card key={pinned} id={pinned} {...p} />;
  if (!place) return null;
  return (
    <Card
      key={place.id}
      id={place.id}
      place={place}
      {...p}
      onClose={() => setPlace(undefined)}
      onEnter={() => clearTimeout(timer.current)}
      onLeave={() => soon(() => setPlace(undefined), grace)}
    />
  );
}

/** Card is a robot at a glance. What is not on its row is asked for when the card comes. */
export function Card({
  id,
  place,
  limits,
  onClose,
  onMaintenance,
  onEnter,
  onLeave,
}: Common & { id: string; place?: Place; onEnter?: () => void; onLeave?: () => void }) {
  const box = useRef<HTMLElement>(null);
  const [at, setAt] = useState<{ left: number; top: number }>();
  const r = useRobot(id);
  const path = `/robots/${encodeURIComponent(id)}`;
  const only = { topics: [], take: () => undefined };
  const robot = useLive<Robot>(`peek ${path}`, { ...only, ask: (s) => call('GET', path, undefined, s) });
  const figures = useLive<Schemas['RobotFigures']>(`peek figures ${path}`, { ...only, ask: (s) => call('GET', `${path}/metrics?range=15m`, undefined, s) });
  const jobs = useLive<Schemas['JobList']>(`peek jobs ${path}`, {
    ...only,
    ask: (s) => call('GET', `/jobs?robot_id=${encodeURIComponent(id)}&status=completed&status=failed&status=timeout&status=cancelled&limit=5`, undefined, s),
  });
  const asked = useLive<Schemas['CommandList']>(`peek commands ${path}`, { ...only, ask: (s) => call('GET', `${path}/commands?limit=1`, undefined, s) });
  const loaded = [robot, figures, jobs, asked].filter((x) => x.data).length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is there with its row, and grows with what is loaded
  useLayoutEffect(() => {
    const size = box.current?.getBoundingClientRect();
    if (!size) return;
    if (!place) setAt({ left: window.innerWidth - size.width - 16, top: Math.max(8, window.innerHeight - size.height - 16) });
    else {
      const below = place.bottom + 4 + size.height <= window.innerHeight;
      setAt({
        left: Math.max(4, Math.min(place.left, window.innerWidth - size.width - 8)),
        top: below ? place.bottom + 4 : Math.max(4, place.top - 4 - size.height),
      });
    }
  }, [place, loaded, r !== undefined]);
  if (!r) return null;
  const name = r.name || id;
  const on = r.status !== 'offline';
  const full = robot.data;
  const last = asked.data?.commands[0];
  const failed = jobs.data?.jobs.find((j) => j.status === 'failed' || j.status === 'timeout');
  const history = figures.data?.history;
  return createPortal(
    <section
      ref={box}
      className={css.peek}
      aria-label={`${name} at a glance`}
      style={at ?? { left: 0, top: 0, visibility: 'hidden' }}
      onPointerEnter={onEnter}
      onPointerLeave={onLeave}
    >
      <div className={css.peekHead}>
        <h2>{name}</h2>
        {!place && (
          <button type="button" onClick={onClose} aria-label="Close the peek">
            ✕
          </button>
        )}
      </div>
      <p>
        <Status word={r.status} /> {r.silent && on && r.last_heartbeat && <Silent at={r.last_heartbeat} />}
        {r.reason && ` · ${r.reason}`}
        {full?.mode_until && ` · until ${exact(full.mode_until)}`}
      </p>
      {last && (
        <p>
          {label(last.command)} asked <Ago at={last.created_at} />
          {last.requested_by && ` by ${last.requested_by}`}
        </p>
      )}
      <p>
        Heard of <Heard at={r.last_heartbeat} limits={limits.get(r.environment)} environment={r.environment} />
        {on && figures.data?.connected_at && (
          <>
            {' '}
            · connected <Ago at={figures.data.connected_at} />
          </>
        )}
      </p>
      <p>
        {[r.hostname, full?.os, full?.arch, r.version && `version ${r.version}`].filter(Boolean).join(' · ')} · {r.environment}
      </p>
      <h3>
        Slots {pips(r.current_jobs, r.max_concurrent_jobs)} {r.current_jobs}/{r.max_concurrent_jobs}
      </h3>
      {figures.data?.current_jobs_data.map((j) => (
        <p key={j.id}>
          <Link to="/fleet/jobs/$id" params={{ id: j.id }} search={{}}>
            {j.workflow_name}
          </Link>{' '}
          {label(j.status)} · {j.progress} %
        </p>
      ))}
      {on && (
        <h3>
          CPU {Math.round(r.cpu_percent)} % · memory {memory(r.memory_mb)} · 15 minutes
        </h3>
      )}
      {on && history && history.points.length > 1 && <Spark history={history} />}
      <h3>Can do</h3>
      <p>
        {r.capabilities.map((w) => capabilities.find((c) => c.word === w)?.name ?? w).join(', ') || 'Nothing was said'}
        {r.tags.length > 0 && ` · tags ${r.tags.join(', ')}`}
      </p>
      {jobs.data && jobs.data.jobs.length > 0 && <h3>Last results</h3>}
      {jobs.data?.jobs.map((j) => (
        <p key={j.job_id}>
          <Status word={j.status} />{' '}
          <Link to="/fleet/jobs/$id" params={{ id: j.job_id }} search={{}}>
            {j.workflow.workflow_name}
          </Link>{' '}
          {between(j.started_at, j.ended_at)} · <Ago at={j.ended_at} />
        </p>
      ))}
      {failed && (
        <p className={css.bad}>
          {label(failed.end_reason || failed.error_code || failed.error_class || 'failed')} ·{' '}
          <Link to="/fleet/jobs/$id" params={{ id: failed.job_id }} search={{ pane: 'log' }}>
            Log
          </Link>
        </p>
      )}
      <div className={css.peekActions}>
        <Link to="/fleet/robots/$id" params={{ id }} search={{}}>
          Open
        </Link>
        <Link to="/fleet/robots/$id" params={{ id }} search={{ tab: 'logs' }}>
          Logs
        </Link>
        <button type="button" onClick={() => onMaintenance(id)}>
          Maintenance…
        </button>
      </div>
    </section>,
    document.body,
  );
}

function Spark({ history }: { history: Schemas['RobotHistory'] }) {
  const d = drawn(history);
  const line = (values: readonly number[]) => {
    let path = '';
    values.forEach((v, i) => {
      if (d.has[i])
        path += `${d.has[i - 1] && path ? 'L' : 'M'}${((300 * i) / Math.max(1, values.length - 1)).toFixed(1)} ${(33 - (Math.min(100, v) / 100) * 32).toFixed(1)}`;
    });
    return path;
  };
  const last = history.points.at(-1);
  return (
    <svg
      className={css.spark}
      viewBox="0 0 300 34"
      preserveAspectRatio="none"
      role="img"
      aria-label={`CPU, and memory as a dashed line, in 15 minutes; at last ${Math.round(last?.cpu_percent ?? 0)} % and ${Math.round(last?.memory_percent ?? 0)} %`}
    >
      <path d={line(d.cpu)} />
      <path d={line(d.memory)} />
    </svg>
  );
}
