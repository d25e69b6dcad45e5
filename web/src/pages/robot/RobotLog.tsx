import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import parts from '../../parts/parts';
import { isPaused } from '../../parts/paused';
import { Fault, Loading } from '../../parts/States';
import { hidden } from '../../parts/shown';
import { clock, exact } from '../../parts/Time';
import { appended, type Line } from './machine';
import css from './machine.module.css';

const every = 2500;
const kept = 2000;
const levels = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;

/** RobotLog is what a robot writes, job after job, and goes on while it is looked at. Who scrolls up stays where he is. */
export function RobotLog({ id }: { id: string }) {
  const [lines, setLines] = useState<readonly Line[]>();
  const [error, setError] = useState<Refusal>();
  const [turn, setTurn] = useState(0);
  const [q, setQ] = useState('');
  const [least, setLeast] = useState('');
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLElement>(null);
  const seen = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn asks again
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let last = '';
    const end = new AbortController();
    const ask = async () => {
      if (last !== '' && (hidden() || isPaused())) {
        timer = setTimeout(() => void ask(), every);
        return;
      }
      try {
        const since = last === '' ? '' : `&since=${encodeURIComponent(last)}`;
        const got = await call<Schemas['RobotLogs']>('GET', `/robots/${encodeURIComponent(id)}/logs?limit=500${since}`, undefined, end.signal);
        last = got.logs.at(-1)?.timestamp ?? last;
        setError(undefined);
        setLines((was) => appended(last === '' ? [] : (was ?? []), got.logs, kept));
      } catch (e) {
        if (end.signal.aborted) return;
        setError(e instanceof Refusal ? e : new Refusal(String(e), 0, '', ''));
      }
      timer = setTimeout(() => void ask(), every);
    };
    void ask();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [id, turn]);
  const from = levels.indexOf(least as (typeof levels)[number]);
  const shown = (lines ?? []).filter((l) => {
    const at = levels.indexOf(l.level as (typeof levels)[number]);
    return (from < 0 || at < 0 || at >= from) && (q === '' || `${l.message} ${l.source}`.toLowerCase().includes(q.toLowerCase()));
  });
  const end = shown.at(-1)?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the end has moved
  useEffect(() => {
    if (!follow || !box.current) return;
    box.current.scrollTop = box.current.scrollHeight;
    seen.current = shown.length;
  }, [end, follow]);
  const fresh = Math.max(0, shown.length - seen.current);
  return (
    <>
      <div className={parts.bar}>
        <input type="search" aria-label="Search the lines" placeholder="Search" value={q} onChange={(e) => setQ(e.target.value)} />
        <select aria-label="Least level" value={least} onChange={(e) => setLeast(e.target.value)}>
          <option value="">Every level</option>
          {levels.map((l) => (
            <option key={l} value={l}>
              {l}
            </option>
          ))}
        </select>
        <span className={parts.fact} role="status">
          {lines ? `${shown.length} of the newest ${lines.length} lines${follow ? ', following' : ''}` : ''}
        </span>
      </div>
      {error && <Fault error={error} again={() => setTurn((n) => n + 1)} />}
      {!lines && !error && <Loading what="its log" />}
      {lines && lines.length === 0 && <p className={parts.fact}>This robot has written nothing yet.</p>}
      {shown.length > 0 && (
        <section
          ref={box}
          className={css.log}
          aria-label="Log of the robot"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
          tabIndex={0}
          onScroll={(e) => {
            const el = e.currentTarget;
            setFollow(el.scrollHeight - el.scrollTop - el.clientHeight < 40);
          }}
        >
          <ol>
            {shown.map((l) => (
              <li key={l.key} data-level={l.level}>
                <time dateTime={l.at} title={exact(l.at)}>
                  {clock(l.at)}
                </time>
                <b>{l.level}</b>
                <Link to="/fleet/jobs/$id" params={{ id: l.job }} search={{ pane: 'log' }} title={`Job ${l.job}`}>
                  {l.source || 'job'}
                </Link>
                <span>{l.message}</span>
              </li>
            ))}
          </ol>
          {!follow && (
            <button type="button" className={css.jump} onClick={() => setFollow(true)}>
              Jump to end{fresh > 0 ? ` · ${fresh} new` : ''}
            </button>
          )}
        </section>
      )}
    </>
  );
}
