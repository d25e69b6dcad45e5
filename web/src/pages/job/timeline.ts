/** What the timeline of a job draws, worked out from what the server told. Pure. */
import type { Schemas } from '../../api/client';
import { lasted } from '../../parts/words';

type Told = Schemas['JobTimeline'];

export interface Bar {
  key: string;
  kind: 'lane' | 'wait' | 'attempt' | 'node' | 'pass';
  title: string;
  node: string;
  robot: string; // that had the attempt, or got it after the wait; empty: none yet
  status: string;
  from: number; // ms
  to: number;
  open: boolean; // it lasts until now
  words: string; // what a person reads beside it
  type?: string; // of a node
  passes?: number;
}

export interface Scale {
  from: number; // what is shown, ms
  to: number;
  /** at is where a time stands, in percent; what is not shown stands at an end. */
  at(t: number): number;
  /** time is what stands at a place, the other way round. */
  time(percent: number): number;
  ticks: { at: number; t: number }[];
  gaps: { from: number; to: number; ms: number }[]; // where nothing happened, folded; in percent
}

const ms = (iso: string | undefined): number | undefined => (iso === undefined ? undefined : Date.parse(iso));

/** bars are a row for each attempt, with the wait before it and its nodes under it. now is the server's clock. */
export function bars(t: Told, now: number): Bar[] {
  const out: Bar[] = [];
  const jobs = t.segment_jobs.length > 0 ? t.segment_jobs : [t.job];
  for (const job of jobs) {
    let free = ms(job.created_at) ?? now;
    const attempts = t.attempts.filter((a) => a.job_id === job.job_id);
    const part = t.segment_jobs.length > 0 ? `Part ${job.segment ?? ''} · ` : '';
    for (const a of attempts) {
      const from = ms(a.started_at) ?? ms(a.offered_at) ?? now;
      if (from > free) out.push(bar(`w${job.job_id}${a.epoch}`, 'wait', `${part}Waited`, '', a.robot_id, 'pending', free, from, false));
      const to = ms(a.ended_at);
      const status = a.outcome ?? (a.started_at ? 'running' : 'assigned');
      out.push(
        bar(`a${job.job_id}${a.epoch}`, 'attempt', `${part}Attempt ${a.epoch} on ${a.robot_id}`, '', a.robot_id, status, from, to ?? now, to === undefined),
      );
      for (const n of t.nodes) {
        if (n.job_id !== job.job_id || n.epoch !== a.epoch) continue;
        const began = ms(n.started_at) ?? from;
        const ended = ms(n.ended_at) ?? (to === undefined ? undefined : Math.max(to, began));
        const b = bar(
          `n${job.job_id}${a.epoch} ${n.node_id}`,
          'node',
          n.node_id,
          n.node_id,
          a.robot_id,
          n.status,
          began,
          ended ?? Math.max(now, began),
          ended === undefined,
        );
        b.type = n.node_type;
        b.passes = n.passes;
        if (n.passes > 1) b.words = `${n.passes} passes, ${lasted(n.total_ms)}`;
        else if (n.ended_at) b.words = lasted(n.total_ms);
        out.push(b);
      }
      free = to ?? now;
    }
    if (['pending', 'assigned'].includes(job.status) && now > free && !attempts.some((a) => a.ended_at === undefined))
      out.push(bar(`w${job.job_id}`, 'wait', `${part}Waits`, '', '', 'pending', free, now, true));
  }
  return out;
}

function bar(key: string, kind: Bar['kind'], title: string, node: string, robot: string, status: string, from: number, to: number, open: boolean): Bar {
  return { key, kind, title, node, robot, status, from, to, open, words: lasted(to - from) };
}

const foldFrom = 0.2; // of the whole
const foldLeast = 2000; // ms
const foldTo = 0.04;

export interface View {
  from: number; // ms
  to: number;
}

/** scaleOf lays time out from left to right, the whole or a part of it. Waiting that takes more than a fifth of it is folded. */
export function scaleOf(list: readonly Bar[], view?: View): Scale {
  const from = view?.from ?? least(list.map((b) => b.from));
  const to = Math.max(view?.to ?? most(list.map((b) => b.to)), from + 1);
  const total = to - from;
  const work = list.filter((b) => b.kind !== 'wait' && b.to >= from && b.from <= to).map((b) => [Math.max(from, b.from), Math.min(to, b.to)] as const);
  const quiet: [number, number][] = [];
  let end = from;
  for (const [a, b] of [...work].sort((x, y) => x[0] - y[0])) {
    if (a - end > Math.max(foldLeast, foldFrom * total)) quiet.push([end, a]);
    end = Math.max(end, b);
  }
  if (to - end > Math.max(foldLeast, foldFrom * total) && work.length > 0) quiet.push([end, to]);
  const shown = total - quiet.reduce((sum, [a, b]) => sum + b - a, 0);
  const perMs = (1 - foldTo * quiet.length) / Math.max(1, shown);
  const at = (t: number): number => {
    let x = 0;
    let last = from;
    for (const [a, b] of quiet) {
      if (t <= a) break;
      x += (a - last) * perMs + (t >= b ? foldTo : (foldTo * (t - a)) / (b - a));
      last = Math.min(t, b);
    }
    return 100 * Math.max(0, Math.min(1, x + Math.max(0, t - last) * perMs));
  };
  const time = (p: number) => inverse(at, from, to, Math.max(0, Math.min(100, p)));
  const ticks = Array.from({ length: 5 }, (_, i) => 25 * i).map((p) => ({ at: p, t: time(p) }));
  return { from, to, at, time, ticks, gaps: quiet.map(([a, b]) => ({ from: at(a), to: at(b), ms: b - a })) };
}

// A spread of 100,000 arguments is too many for some browsers.
const least = (list: readonly number[]): number => list.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const most = (list: readonly number[]): number => list.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

function inverse(at: (t: number) => number, from: number, to: number, percent: number): number {
  let [low, high] = [from, to];
  for (let i = 0; i < 50; i++) {
    const mid = (low + high) / 2;
    if (at(mid) < percent) low = mid;
    else high = mid;
  }
  return high;
}

/** viewOf reads FROM-TO of an address, ms. */
export function viewOf(text: string | undefined): View | undefined {
  const m = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? '');
  const [from, to] = [Number(m?.[1]), Number(m?.[2])];
  return m && to > from ? { from, to } : undefined;
}

/** viewText is the same as the address has it, at least a millisecond long. */
export const viewText = (v: View): string => `${Math.floor(v.from)}-${Math.max(Math.ceil(v.to), Math.floor(v.from) + 1)}`;
