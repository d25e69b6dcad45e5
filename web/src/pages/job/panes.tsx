import { useEffect, useState } from 'react';
import { call, Refusal, type Schemas } from '../../api/client';
import { useLive } from '../../parts/live';
import css from '../../parts/parts';
import { Fault, Loading } from '../../parts/States';
import { Status } from '../../parts/Status';
import { clock, exact } from '../../parts/Time';
import { label, lasted } from '../../parts/words';
import { lateWords, merged } from './events';
import own from './job.module.css';
import pane from './panes.module.css';

type Step = Schemas['Step'];

const mostNamed = 50;

/** named lists names, and of very many only the first. */
const named = (list: readonly string[]): string =>
  list.length === 0 ? 'nothing' : list.slice(0, mostNamed).join(', ') + (list.length > mostNamed ? ` and ${list.length - mostNamed} more` : '');

/** Steps lists every execution of a node, with how long it took. */
export function Steps({
  told,
  before,
  title,
  node,
  onNode,
}: {
  told: Schemas['JobTimeline'];
  before?: Schemas['Resumption'] | undefined;
  title: (id: string) => string;
  node: string;
  onNode: (id: string) => void;
}) {
  const id = told.job.job_id;
  const [steps, setSteps] = useState<Step[]>();
  const [next, setNext] = useState<{ epoch: number; step: number }>();
  const [why, setWhy] = useState('');
  const load = (epoch: number, from: number, signal?: AbortSignal) =>
    call<Schemas['StepPage']>('GET', `/jobs/${id}/steps?epoch=${epoch}&from_step=${from}&limit=1000`, undefined, signal)
      .then((p) => {
        setSteps((was) => (from === 1 && epoch === 1 ? p.steps : [...(was ?? []), ...p.steps]));
        setNext(p.steps.length === 1000 ? { epoch: p.next_epoch, step: p.next_step } : undefined);
      })
      .catch((e) => {
        if (!signal?.aborted) setWhy(e instanceof Refusal ? e.message : String(e));
      });
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when the server counted more
  useEffect(() => {
    const end = new AbortController();
    void load(1, 1, end.signal);
    return () => end.abort();
  }, [id, told.steps, told.job.version]);
  if (told.segment_jobs.length > 0) return <p className={own.hint}>The steps are those of its parts: open one of them.</p>;
  if (!steps) return why ? <p role="alert">{why}</p> : <Loading what="the steps" />;
  const shown = node ? steps.filter((s) => s.node_id === node) : steps;
  return (
    <>
      {node && (
        <p className={own.hint}>
          Only {title(node)}.{' '}
          <button type="button" className={own.linkButton} onClick={() => onNode(node)}>
            Show all
          </button>
        </p>
      )}
      {before && !node && <p className={own.hint}>Done before, in the job that this one repeats: {named(before.done_before.map(title))}.</p>}
      {before && node && shown.length === 0 && before.done_before.includes(node) ? (
        <p className={own.hint}>Done before, in the job that this one repeats.</p>
      ) : (
        shown.length === 0 && <p className={own.hint}>No step yet.</p>
      )}
      {shown.length > 0 && (
        <table className={own.table}>
          <thead>
            <tr>
              <th>Node</th>
              <th>State</th>
              <th>Started</th>
              <th>Took</th>
              <th>Attempt</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((s) => (
              <tr key={`${s.epoch}.${s.seq}`}>
                <td>
                  <button type="button" className={own.linkButton} onClick={() => onNode(s.node_id)}>
                    {title(s.node_id)}
                  </button>
                  <span className={own.hint}>
                    {' '}
                    {s.node_type}
                    {s.iteration ? ` · pass ${s.iteration}` : ''}
                  </span>
                </td>
                <td>
                  <Status word={s.status} />
                  {s.error && <div className={own.bad}>{s.error}</div>}
                </td>
                <td title={exact(s.started_at)}>{clock(s.started_at)}</td>
                <td>{s.ended_at ? lasted(s.duration_ms) : '–'}</td>
                <td>{s.epoch}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {next && (
        <button type="button" onClick={() => void load(next.epoch, next.step)}>
          More steps
        </button>
      )}
    </>
  );
}

/** Attempts are the robots that were given the job, and how each ended. */
export function Attempts({ id, attempts }: { id: string; attempts: readonly Schemas['Attempt'][] }) {
  const late = useEvents(id).data?.events.filter((e) => e.type === 'job.late_result') ?? [];
  if (attempts.length === 0) return <p className={own.hint}>No robot was given the job yet.</p>;
  return (
    <table className={own.table}>
      <thead>
        <tr>
          <th>Attempt</th>
          <th>Robot</th>
          <th>Started</th>
          <th>Ended</th>
          <th>How</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((a) => (
          <tr key={`${a.job_id}.${a.epoch}`}>
            <td>{a.epoch}</td>
            <td className={css.mono}>{a.robot_id}</td>
            <td>{a.started_at ? exact(a.started_at) : `Offered ${exact(a.offered_at)}`}</td>
            <td>{a.ended_at ? exact(a.ended_at) : '–'}</td>
            <td>
              {a.outcome ? label(a.outcome) : a.silent_since ? `Silent since ${clock(a.silent_since)}` : 'Open'} · {a.progress} %
              {a.current_node ? ` · ${a.current_node}` : ''}
              {a.message && <div className={own.hint}>{a.message}</div>}
              {late
                .filter((e) => e.epoch === a.epoch && a.job_id === id)
                .map((e) => (
                  <div key={e.seq}>{lateWords(e)}</div>
                ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** useEvents are the events of a job and of its attempts, in their order. */
const useEvents = (id: string) =>
  useLive<{ events: Schemas['Event'][] }>(`events of ${id}`, {
    topics: [`job:${id}`],
    ask: async (s) => {
      const of = (subject: string) =>
        call<Schemas['EventPage']>('GET', `/events?subject=${subject}&subject_id=${encodeURIComponent(id)}&after=0&limit=500`, undefined, s);
      return { events: merged(...(await Promise.all([of('job'), of('attempt')]))) };
    },
    take: () => 'again',
  });

/** Events are the job's own log, in order. */
export function Events({ id }: { id: string }) {
  const list = useEvents(id);
  if (list.error && !list.data) return <Fault error={list.error} again={list.again} />;
  if (!list.data) return <Loading what="events" />;
  if (list.data.events.length === 0) return <p className={own.hint}>No event is kept any more.</p>;
  return (
    <table className={own.table}>
      <thead>
        <tr>
          <th>Time</th>
          <th>Event</th>
          <th>Who</th>
          <th>What</th>
        </tr>
      </thead>
      <tbody>
        {list.data.events.map((e) => (
          <tr key={e.seq}>
            <td className={own.when} title={exact(e.at)}>
              {clock(e.at)}
            </td>
            <td>
              {e.type}
              {e.from_state && e.to_state && (
                <div className={own.hint}>
                  {label(e.from_state)} → {label(e.to_state)}
                </div>
              )}
            </td>
            <td>{e.actor ?? '–'}</td>
            <td>
              <Pairs of={e.data} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Pairs is what an event holds, name by name. */
function Pairs({ of }: { of: unknown }) {
  const list = Object.entries((of ?? {}) as Record<string, unknown>).filter(([, v]) => v !== '' && v !== null);
  if (list.length === 0) return <>–</>;
  return (
    <dl className={pane.pairs}>
      {list.flatMap(([k, v]) => [<dt key={k}>{label(k)}</dt>, <dd key={`${k} is`}>{typeof v === 'string' ? v : JSON.stringify(v)}</dd>])}
    </dl>
  );
}

/** Raw is the answer as it came. */
export function Raw({ value }: { value: unknown }) {
  return <pre className={own.raw}>{JSON.stringify(value, null, 2)}</pre>;
}
