import { useEffect, useState } from 'react';
import { onlyIf, useLive } from '../parts/live';
import { exact } from '../parts/Time';
import { label, shapes } from '../parts/words';
import * as net from './net';
import { final } from './run';
import own from './runs.module.css';
import ui from './ui.module.css';

export interface RunsMenuProps {
  workflow: string | undefined; // its runs on the fleet; undefined: none are known
  file: string | undefined; // its runs on this machine
  local: boolean; // this machine runs workflows
  shown: string | undefined; // the run that is shown, as in the address
  onRun: (run: string) => void;
}

interface Line {
  key: string; // as in the address
  status: string;
  words: string;
}

/** RunsMenu lists the newest runs of a workflow. Each is shown and replayed on the graph. */
export function RunsMenu(p: RunsMenuProps) {
  const [open, setOpen] = useState(false);
  const [here, setHere] = useState<readonly Line[]>([]);
  const [why, setWhy] = useState('');
  useEffect(() => {
    if (!open || !p.local) return;
    const end = new AbortController();
    net
      .localRuns(end.signal)
      .then((l) =>
        setHere(
          l
            .filter((r) => p.file === undefined || r.file === p.file)
            .map((r) => ({ key: `local:${r.run_id}`, status: r.status, words: `${exact(r.started_at ?? r.created_at)} on ${r.host}` })),
        ),
      )
      .catch((e: unknown) => !end.signal.aborted && setWhy(e instanceof Error ? e.message : String(e)));
    return () => end.abort();
  }, [open, p.local, p.file]);
  const list = (jobs: readonly Line[], more: string) => (
    <details
      className={own.runs}
      open={open}
      onToggle={(e) => setOpen(e.currentTarget.open)}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !open) return;
        e.stopPropagation();
        setOpen(false);
        e.currentTarget.querySelector('summary')?.focus();
      }}
      onBlur={(e) => {
        if (!e.currentTarget.contains(e.relatedTarget as Node | null) && e.relatedTarget !== null) setOpen(false);
      }}
    >
      <summary className={ui.button}>Runs ▾</summary>
      {open && (
        <ul className={own.list} aria-label="Runs of this workflow">
          {[...here, ...jobs].map((l) => (
            <li key={l.key}>
              <button
                type="button"
                aria-current={p.shown === l.key || undefined}
                onClick={() => {
                  setOpen(false);
                  p.onRun(l.key);
                }}
              >
                <span data-state={l.status} className={own.state}>
                  <span aria-hidden>{shapes[l.status]}</span> {label(l.status)}
                </span>
                <span>{l.words}</span>
              </button>
            </li>
          ))}
          {here.length + jobs.length === 0 && <li className={ui.hint}>{why || more || 'It has not run yet.'}</li>}
        </ul>
      )}
    </details>
  );
  return p.workflow === undefined ? list([], '') : <OfFleet {...p} workflow={p.workflow} list={list} />;
}

/** OfFleet adds the jobs of the workflow, and offers the one that goes on. */
function OfFleet(p: RunsMenuProps & { workflow: string; list: (jobs: readonly Line[], why: string) => React.ReactNode }) {
  const id = p.workflow;
  const asked = useLive(`runs of ${id}`, {
    topics: ['jobs'],
    ask: (signal) => net.jobsOf(id, signal),
    take: onlyIf((f) => f.op !== 'put' || (f.d as net.JobRow | undefined)?.workflow?.workflow_id === id),
  });
  const jobs = asked.data ?? [];
  const going = jobs.filter((j) => !final(j.status));
  const first = going[0];
  return (
    <>
      {p.list(
        jobs.map((j) => ({
          key: j.job_id,
          status: j.status,
          words: `${exact(j.created_at)} · version ${j.workflow.version}${j.robot_name || j.robot_id ? ` on ${j.robot_name ?? j.robot_id}` : ''}`,
        })),
        asked.error?.message ?? (asked.data ? '' : 'Looking for its runs…'),
      )}
      {first && !going.some((j) => j.job_id === p.shown) && (
        <button
          type="button"
          className={ui.button}
          title={`${going.length === 1 ? 'A run is' : `${going.length} runs are`} in progress`}
          onClick={() => p.onRun(first.job_id)}
        >
          ◑ Show live
        </button>
      )}
    </>
  );
}
