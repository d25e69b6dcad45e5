import { useCallback, useEffect, useRef, useState } from 'react';
import { seen } from '../parts/shown';
import type { LogLine } from './net';
import * as net from './net';
import type { Pass } from './passes';
import { final, fromJob, fromLocal, passesOf, type RunView } from './run';

export interface Watched {
  view: RunView | undefined;
  lines: readonly LogLine[];
  passes: readonly Pass[]; // executions of nodes; empty where none are kept
  job: net.Job | undefined;
  trouble: string;
  watch: (kind: 'local' | 'job', id: string) => void;
  leave: () => void;
  cancel: () => void;
}

const kept = 500; // lines that are shown

/** useRun follows a run to its end: a local one by waiting for its changes, a job by looking each second. */
export function useRun(): Watched {
  const [what, setWhat] = useState<{ kind: 'local' | 'job'; id: string }>();
  const [view, setView] = useState<RunView>();
  const [lines, setLines] = useState<LogLine[]>([]);
  const [passes, setPasses] = useState<readonly Pass[]>([]);
  const [job, setJob] = useState<net.Job>();
  const [trouble, setTrouble] = useState('');
  const stop = useRef<AbortController>(undefined);

  useEffect(() => {
    if (!what) return;
    const end = new AbortController();
    stop.current = end;
    const log: LogLine[] = [];
    const add = (more: readonly LogLine[]) => {
      if (more.length === 0) return;
      log.push(...more);
      if (log.length > 20_000) log.splice(0, log.length - 20_000);
      setLines(log.slice(-kept));
    };
    const show: Show = (v, of, j) => {
      setView(v);
      setPasses(of);
      setJob(j);
    };
    const follow = what.kind === 'local' ? followLocal : followJob;
    const go = async () => {
      for (let pause = 500; !end.signal.aborted; pause = Math.min(2 * pause, 8000)) {
        try {
          await follow(what.id, end.signal, show, add, () => log);
          setTrouble('');
          return;
        } catch (e) {
          if (end.signal.aborted) return;
          setTrouble(e instanceof Error ? e.message : String(e));
          if (e instanceof net.Trouble && e.status >= 400 && e.status < 500 && e.status !== 429) return;
          log.length = 0; // it starts anew
          await wait(pause, end.signal);
        }
      }
    };
    void go();
    return () => end.abort();
  }, [what]);

  return {
    view: view && what && view.id === what.id ? view : undefined,
    lines,
    passes,
    job: job && what && job.job_id === what.id ? job : undefined,
    trouble,
    watch: useCallback((kind, id) => {
      setView(undefined);
      setLines([]);
      setPasses([]);
      setTrouble('');
      setWhat({ kind, id });
    }, []),
    leave: useCallback(() => {
      setWhat(undefined);
      setView(undefined);
      setLines([]);
      setPasses([]);
      setTrouble('');
    }, []),
    cancel: () => {
      if (!what) return;
      (what.kind === 'local' ? net.cancelLocal(what.id) : net.cancelJob(what.id)).catch((e: unknown) => setTrouble(e instanceof Error ? e.message : String(e)));
    },
  };
}

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

type Show = (v: RunView, passes: readonly Pass[], job?: net.Job) => void;

async function followLocal(id: string, signal: AbortSignal, show: Show, add: (l: readonly LogLine[]) => void) {
  for (let after = 0, from = 1; ; ) {
    const run = await net.localRun(id, after, signal);
    for (;;) {
      const page = await net.localLog(id, from, signal);
      add(page.lines);
      from = page.next_line;
      if (page.lines.length < 1000) break;
    }
    after = run.v;
    show(fromLocal(run), passesOf(run));
    if (final(run.status)) return;
    await wait(100, signal); // each line is a change: many are read at once
    await seen(signal);
  }
}

async function followJob(id: string, signal: AbortSignal, show: Show, add: (l: readonly LogLine[]) => void, all: () => readonly LogLine[]) {
  let kept: boolean | undefined; // this orchestrator keeps steps
  for (let epoch = 1, line = 1; ; ) {
    const job = await net.job(id, signal);
    for (;;) {
      const page = await net.jobLog(id, epoch, line, signal);
      add(page.lines);
      [epoch, line] = [page.next_epoch, page.next_line];
      if (page.lines.length < 1000) break;
    }
    const steps = kept === false ? undefined : await net.steps(job, signal);
    kept = steps !== undefined;
    show(fromJob(job, steps, all()), steps ?? [], job);
    if (final(job.status)) return;
    await wait(1000, signal);
    await seen(signal);
  }
}
