import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { LiveRobot } from '../../live/frames';
import { useRobot } from '../../parts/live';
import { capabilities } from '../../parts/RobotPicker/picker';
import { type Item, RowMenu } from '../../parts/RowMenu';
import { Status } from '../../parts/Status';
import { exact, useNow } from '../../parts/Time';
import { label, span } from '../../parts/words';
import type { Details } from './details';
import css from './robots.module.css';
import { type Limits, pips, tone } from './rows';
import { type LimitsOf, useDetail } from './use';

export interface RowProps {
  id: string;
  index: number;
  top: number;
  columns: string;
  chosen: boolean;
  here: boolean; // the keys are on it
  gone: boolean; // it no longer matches, and waits for the list to be let go
  narrow: boolean;
  tenant: boolean;
  menu: boolean;
  details: Details;
  limits: LimitsOf;
  onToggle: (id: string, range: boolean) => void;
  onMenu: (id: string, open: boolean) => void;
  itemsOf: (r: LiveRobot) => readonly Item[];
}

/** RobotRow reads its own robot, so that an update draws this row and nothing else. */
export const RobotRow = memo(function RobotRow(p: RowProps) {
  const { id, index, top, columns, narrow } = p;
  const r = useRobot(id);
  const style = { gridTemplateColumns: columns, transform: `translateY(${top}px)` } as const;
  if (!r)
    return (
      <div className={css.row} role="row" aria-rowindex={index + 2} style={style} data-gone>
        <span role="cell" />
        <span role="cell">Deleted</span>
        <span role="cell" className={css.name}>
          {id}
        </span>
      </div>
    );
  const name = r.name || r.robot_id;
  const on = r.status !== 'offline';
  const tick = (
    <span role="cell">
      <input
        type="checkbox"
        className={css.tick}
        aria-label={`Select ${name}`}
        checked={p.chosen}
        onChange={(e) => p.onToggle(id, (e.nativeEvent as MouseEvent).shiftKey)}
      />
    </span>
  );
  const link = (
    <>
      <Link to="/fleet/robots/$id" params={{ id }} title={r.hostname}>
        {name}
      </Link>
      {r.duplicate_of && <Doubled host={r.hostname} other={r.duplicate_of} />}
      {r.hostname && <span className={css.host}>{r.hostname}</span>}
    </>
  );
  const menu = (
    <span role="cell" className={css.cell}>
      <RowMenu of={name} items={p.menu ? p.itemsOf(r) : []} open={p.menu} onOpen={(open) => p.onMenu(id, open)} />
    </span>
  );
  const marks = { 'data-here': p.here || undefined, 'data-chosen': p.chosen || undefined, 'data-gone': p.gone || undefined };
  if (narrow)
    return (
      <div className={css.row} role="row" aria-rowindex={index + 2} style={style} {...marks}>
        {tick}
        <span role="cell" className={css.two} data-peek={id}>
          <span className={css.name}>{link}</span>
          <State r={r} on={on} />
        </span>
        <span role="cell" className={css.two}>
          <span>
            <Jobs r={r} />
          </span>
          <Heard at={r.last_heartbeat} limits={p.limits.get(r.environment)} environment={r.environment} />
        </span>
        {menu}
      </div>
    );
  return (
    <div className={css.row} role="row" aria-rowindex={index + 2} style={style} {...marks}>
      {tick}
      <span role="cell" data-peek={id}>
        <State r={r} on={on} />
      </span>
      <span role="cell" className={css.name} data-peek={id}>
        {link}
      </span>
      <span role="cell">{r.environment}</span>
      {p.tenant && <span role="cell">{r.tenant}</span>}
      <span role="cell">
        <Jobs r={r} />
      </span>
      <span role="cell">{on ? <Meter share={r.cpu_percent} old={r.silent} text={`${Math.round(r.cpu_percent)} %`} /> : '–'}</span>
      <span role="cell" className={r.silent ? css.old : ''}>
        {on ? memory(r.memory_mb) : '–'}
      </span>
      <Capabilities list={r.capabilities} />
      <Told id={id} details={p.details} jobs={r.current_jobs} on={on} />
      <span role="cell">
        <Heard at={r.last_heartbeat} limits={p.limits.get(r.environment)} environment={r.environment} />
      </span>
      {menu}
    </div>
  );
});

export const memory = (mb: number): string =>
  mb >= 10_000 ? `${(mb / 1024).toFixed(0)} GB` : mb >= 1024 ? `${(mb / 1024).toFixed(1)} GB` : `${Math.round(mb)} MB`;

function State({ r, on }: { r: LiveRobot; on: boolean }) {
  const full = r.status === 'busy' && r.max_concurrent_jobs > 0 ? ` ${r.current_jobs}/${r.max_concurrent_jobs}` : '';
  return (
    <>
      <Status word={r.status} {...(full ? { more: full.trim() } : {})} {...(r.reason ? { title: r.reason } : {})} />
      {r.silent && on && r.last_heartbeat && <Silent at={r.last_heartbeat} />}
    </>
  );
}

/** Silent says for how long nothing was heard of a robot. */
export function Silent({ at }: { at: number }) {
  const now = useNow();
  return <span className={css.warn}> silent {span(Math.floor(Math.max(0, now - at) / 1000) * 1000).replace('0 ms', '0 s')}</span>;
}

/** Doubled says that two machines have one id. */
export function Doubled({ host, other }: { host: string; other: string }) {
  return (
    <span className={css.warn} title={`${host || 'A machine'} is connected, and ${other} asks for the same id. Give each machine a key of its own.`}>
      {' '}
      two machines
    </span>
  );
}

function Jobs({ r }: { r: LiveRobot }) {
  const marks = pips(r.current_jobs, r.max_concurrent_jobs);
  return (
    <>
      {marks && (
        <span className={css.pips} aria-hidden="true">
          {marks}{' '}
        </span>
      )}
      {r.current_jobs}/{r.max_concurrent_jobs}
    </>
  );
}

/** Meter is a share as a bar; hollow where it is old. */
export function Meter({ share, old, text }: { share: number; old: boolean; text: string }) {
  return (
    <span className={old ? css.old : ''} title={old ? 'This is old: the robot is silent.' : undefined}>
      <span className={css.meter} data-old={old || undefined} aria-hidden="true">
        <i style={{ transform: `scaleX(${Math.min(1, Math.max(0, share / 100))})` }} />
      </span>
      {text}
    </span>
  );
}

/** Heard is how long ago a robot was heard of, held against the limits of its environment. */
export function Heard({ at, limits, environment }: { at: number | null; limits: Limits | undefined; environment: string }) {
  const now = useNow();
  if (!at) return <>–</>;
  const s = Math.max(0, Math.floor((now - at) / 1000));
  const held = limits ? ` In ${environment} a robot is suspect after ${span(1000 * limits.suspect)} and lost after ${span(1000 * limits.lost)}.` : '';
  return (
    <time dateTime={new Date(at).toISOString()} title={`${exact(at)}.${held}`} data-tone={tone(s, limits) || undefined}>
      {span(s * 1000).replace('0 ms', '0 s')} ago
    </time>
  );
}

const nameOf = (w: string): string => capabilities.find((c) => c.word === w)?.name ?? w;

/** Capabilities shows two by their full names, and how many there are more. */
const Capabilities = memo(function Capabilities({ list }: { list: readonly string[] }) {
  const names = list.map(nameOf);
  const all = names.join(', ');
  return (
    <span role="cell" className={css.job} title={all}>
      <span className={css.cut}>{names.slice(0, 2).join(', ') || '–'}</span>
      {names.length > 2 && <span>+{names.length - 2}</span>}
    </span>
  );
});

/** Told is what is asked beside the rows: what the robot runs, and its health. */
const Told = memo(function Told({ id, details, jobs, on }: { id: string; details: Details; jobs: number; on: boolean }) {
  const d = useDetail(details, id);
  const job = jobs > 0 ? d?.jobs?.[0] : undefined;
  const more = (d?.jobs?.length ?? 0) - 1;
  const why = (d?.health_reasons[0] ?? '').replace(/^Its? /, '').replace(/\.$/, '');
  return (
    <>
      <span role="cell">
        {job ? (
          <span className={css.job}>
            <Link to="/fleet/jobs/$id" params={{ id: job.job_id }} search={{}} title={`${job.workflow_name}, ${label(job.status)}`}>
              {job.workflow_name}
            </Link>
            <span>
              {job.progress} %{more > 0 ? ` +${more}` : ''}
            </span>
          </span>
        ) : (
          '–'
        )}
      </span>
      <span role="cell" title={d?.health_reasons.join(' ')}>
        {d ? <Status word={d.health} {...(why && on ? { more: `· ${why}` } : {})} /> : '–'}
      </span>
    </>
  );
});
