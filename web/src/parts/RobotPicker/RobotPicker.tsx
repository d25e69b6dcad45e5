import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { label } from '../words';
import { Connect, type Connection } from './Connect';
import {
  AllRobots,
  Any,
  countLine,
  cut,
  filters,
  further,
  type Grouping,
  grouped,
  known,
  type Mode,
  matches,
  type PickerRobot,
  submitState,
  unfit,
} from './picker';
import css from './RobotPicker.module.css';
import { RobotTree } from './RobotTree';

export type { Connection } from './Connect';

export interface Submission {
  state: 'idle' | 'submitting' | 'success' | 'error';
  message?: string; // the job's id, or why it failed
  href?: string; // of the job
}

export interface RobotPickerProps {
  robots: readonly PickerRobot[];
  asOf?: string | undefined; // the list is not live any more, as of this time
  mode: Mode;
  selected: string | null; // a robot's id, or Any
  connection: Connection;
  local: { enabled: boolean; host: string; reason: string };
  submission: Submission;
  live: boolean;
  may?: string | undefined; // why the caller may not submit
  any?: boolean; // any robot can be chosen; so it is where there are buttons that run
  actions?: boolean; // with the buttons that run; the placement form has none
  onRobotSelected: (id: string | null) => void;
  onExecutionModeChanged: (mode: Mode) => void;
  onRefreshRequested: () => void;
  onSubmitToCloudRequested: (robot?: string) => void;
  onRunLocally?: () => void;
  onLiveChanged?: (live: boolean) => void;
  onConnect?: (url: string, key: string) => void;
}

/** ResultTime is how long the result of a submission stands before the count returns. */
export const ResultTime = 5000;

/** RobotPicker chooses where a workflow runs. It holds no network code. */
export function RobotPicker(p: RobotPickerProps) {
  const [filter, setFilter] = useState(AllRobots);
  const [by, setBy] = useState<Grouping>('environment');
  const [note, setNote] = useState('');
  const [peeked, setPeeked] = useState<string>();
  const id = useId();
  const cloud = p.mode === 'cloud';
  const connected = p.connection.state === 'connected';
  const submitting = p.submission.state === 'submitting';

  const shown = useMemo(() => p.robots.filter((r) => matches(r, filter)), [p.robots, filter]);
  const groups = useMemo(() => grouped(shown, by), [shown, by]);
  const chosen = p.selected !== null && p.selected !== Any ? p.robots.find((r) => r.id === p.selected) : undefined;
  const hidden = chosen !== undefined && !shown.includes(chosen);
  const peek = p.robots.find((r) => r.id === peeked);
  const button = submitState({ mode: p.mode, connected, selected: p.selected, submitting, may: p.may });

  const submit = (robot?: string) => {
    setNote('');
    p.onSubmitToCloudRequested(robot);
  };
  // The second click is on a robot that the first one has selected.
  const quick = (robot: string) => {
    const r = p.robots.find((x) => x.id === robot);
    const why = r ? unfit(r) : undefined;
    if (why) return setNote(why);
    if (p.actions !== false && submitState({ mode: p.mode, connected, selected: robot, submitting, may: p.may }).enabled) submit(robot);
  };
  const keys = (e: React.KeyboardEvent) => {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      e.stopPropagation();
      if (!cloud) p.onRunLocally?.();
      else if (button.enabled) submit();
    }
  };

  return (
    <div className={css.panel} onKeyDown={keys}>
      {p.actions !== false && (
        <>
          <header className={css.head}>
            <h2 className={css.title}>Robot Picker</h2>
          </header>
          <ConnectionLine connection={p.connection} />
          <fieldset className={css.modes}>
            <legend>Execution mode</legend>
            <label title={p.local.enabled ? '' : p.local.reason}>
              <input type="radio" name={`${id}-mode`} checked={!cloud} disabled={!p.local.enabled} onChange={() => p.onExecutionModeChanged('local')} /> Local
            </label>
            <label>
              <input type="radio" name={`${id}-mode`} checked={cloud} onChange={() => p.onExecutionModeChanged('cloud')} /> Cloud
            </label>
          </fieldset>
          {!p.local.enabled && <p className={css.hint}>{p.local.reason}</p>}
          {cloud && p.local.enabled && p.local.host && <p className={css.hint}>Local is {p.local.host}</p>}
          {cloud && !connected && p.onConnect && <Connect connection={p.connection} onConnect={p.onConnect} />}
          {!connected && !p.onConnect && p.connection.message && <p className={css.hint}>{p.connection.message}</p>}
        </>
      )}
      <div className={css.tools}>
        <label className={css.filter}>
          Filter{' '}
          <select value={filter} disabled={!cloud} onChange={(e) => setFilter(e.target.value)}>
            {filters.map((f) => (
              <option key={f}>{f}</option>
            ))}
          </select>
        </label>
        <label className={css.filter}>
          Group{' '}
          <select value={by} disabled={!cloud} onChange={(e) => setBy(e.target.value as Grouping)}>
            <option value="environment">Environment</option>
            <option value="status">Status</option>
            <option value="none">None</option>
          </select>
        </label>
        <button type="button" className={css.icon} disabled={!cloud} onClick={p.onRefreshRequested} aria-label="Refresh the robots" title="Refresh">
          ↻
        </button>
        {p.onLiveChanged && (
          <label className={css.live}>
            <input type="checkbox" checked={p.live} disabled={!cloud} onChange={(e) => p.onLiveChanged?.(e.target.checked)} /> Live
          </label>
        )}
      </div>
      {!cloud && <p className={css.here}>Runs on {p.local.host || 'this machine'}, no robot needed</p>}
      {cloud && p.asOf && <p className={css.hint}>As of {p.asOf}</p>}
      <RobotTree
        groups={groups}
        any={p.any ?? p.actions !== false}
        disabled={!cloud}
        dimmed={!cloud || !connected || p.asOf !== undefined}
        selected={p.selected}
        empty={p.robots.length === 0 ? 'No robots yet' : `No robot matches ${filter}`}
        onSelect={(r) => {
          setNote('');
          p.onRobotSelected(r);
        }}
        onQuick={quick}
        onPeek={(r) => setPeeked((was) => (was === r ? undefined : r))}
      />
      {peek && <Peek robot={peek} onClose={() => setPeeked(undefined)} />}
      {hidden && <p className={css.hint}>Selected: {chosen.name} (hidden by the filter)</p>}
      <StatusLine count={countLine(p.robots, shown, cloud && !connected ? p.asOf : undefined)} note={note} submission={p.submission} />
      {p.actions !== false && (
        <div className={css.actions}>
          {p.onRunLocally && (
            <button
              type="button"
              className={cloud ? css.plain : css.primary}
              disabled={!p.local.enabled}
              title={p.local.enabled ? 'Ctrl Enter in Local mode' : p.local.reason}
              onClick={p.onRunLocally}
            >
              Run locally
            </button>
          )}
          <button
            type="button"
            className={cloud ? css.primary : css.plain}
            aria-disabled={!button.enabled}
            aria-describedby={button.reason ? `${id}-why` : undefined}
            title="Ctrl Enter"
            onClick={() => button.enabled && submit()}
          >
            {button.label}
          </button>
          {button.reason && (
            <span id={`${id}-why`} className={css.why}>
              {button.switches ? (
                <button type="button" className={css.link} onClick={() => p.onExecutionModeChanged('cloud')}>
                  {button.reason}
                </button>
              ) : (
                button.reason
              )}
            </span>
          )}
        </div>
      )}
    </div>
  );
}

/** Peek is what there is to know of a robot, in words. */
function Peek({ robot: r, onClose }: { robot: PickerRobot; onClose: () => void }) {
  const caps = [...known(r).map((c) => c.name), ...further(r)];
  return (
    <section className={css.peek} aria-label={`About ${r.name}`}>
      <button type="button" className={css.icon} aria-label="Close (Space)" onClick={onClose}>
        ✕
      </button>
      <strong>{r.name}</strong> {label(r.status)}
      {r.reason ? `: ${r.reason}` : ''}
      <br />
      {r.hostname && `On ${r.hostname} · `}
      {r.environment} · {r.currentJobs} of {r.maxJobs} jobs
      <br />
      {caps.length > 0 ? caps.join(', ') : 'No capabilities'}
    </section>
  );
}

const words: Record<Connection['state'], [string, string]> = {
  connected: ['●', 'Connected'],
  connecting: ['◐', 'Connecting'],
  refused: ['○', 'Not connected'],
  offline: ['○', 'Not connected'],
};

function ConnectionLine({ connection }: { connection: Connection }) {
  const [glyph, plain] = words[connection.state];
  const word = connection.state === 'offline' && connection.since ? `Offline since ${connection.since}` : plain;
  return (
    <p className={css.connection} data-state={connection.state}>
      <span aria-hidden className={css.glyph}>
        {glyph}
      </span>{' '}
      {word}{' '}
      {connection.address && (
        <span className={css.address} title={connection.address}>
          {cut(connection.address.replace(/^https?:\/\//, ''))}
        </span>
      )}
    </p>
  );
}

/** StatusLine shows the result of a submission for five seconds, then the count again. */
function StatusLine({ count, note, submission }: { count: string; note: string; submission: Submission }) {
  const [fresh, setFresh] = useState(false);
  const last = useRef(submission);
  useEffect(() => {
    if (last.current === submission) return;
    last.current = submission;
    if (submission.state !== 'success' && submission.state !== 'error') return setFresh(false);
    setFresh(true);
    const timer = setTimeout(() => setFresh(false), ResultTime);
    return () => clearTimeout(timer);
  }, [submission]);
  const result = fresh && (submission.state === 'success' || submission.state === 'error');
  return (
    <div role="status" className={css.status}>
      {result && submission.state === 'success' ? (
        <>
          Submitted: {submission.message}
          {submission.href && (
            <>
              {' · '}
              <a href={submission.href}>Open</a>
            </>
          )}
        </>
      ) : result ? (
        <span className={css.bad}>Failed: {submission.message}</span>
      ) : note ? (
        <span className={css.bad}>{note}</span>
      ) : (
        count
      )}
    </div>
  );
}
