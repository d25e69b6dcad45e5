/** What the charts of a robot draw beside its readings: when it was away or held, and its jobs slot by slot. Pure. */
import type { Schemas } from '../../api/client';
import { label } from '../../parts/words';

type Event = Schemas['Event'];
type Job = Schemas['Job'];

export interface Span {
  from: number; // ms
  to: number;
  what: string;
}

/** away are the stretches without a reading since the robot is known. A reading stands for the step that ends with it. */
export function away(at: readonly number[], has: readonly boolean[], step: number, since = 0): Span[] {
  const out: Span[] = [];
  at.forEach((t, i) => {
    if (has[i] || t <= since) return;
    const last = out.at(-1);
    if (last && last.to >= t - step) last.to = t;
    else out.push({ from: Math.max(t - step, since), to: t, what: 'Offline' });
  });
  return out;
}

const held = new Set(['maintenance', 'paused', 'draining']);

/** modes are the stretches in which a person, or time, had taken the robot out of service. now is its mode of now. */
export function modes(events: readonly Event[], now: string, from: number, to: number): Span[] {
  const out: Span[] = [];
  let end = to;
  let mode = now;
  const put = (start: number) => {
    if (held.has(mode) && end > from && start < to) out.push({ from: Math.max(start, from), to: Math.min(end, to), what: label(mode) });
  };
  for (const e of [...events].reverse()) {
    if (e.type !== 'robot.mode_changed') continue;
    const d = (e.data ?? {}) as { from?: string; to?: string };
    const t = Date.parse(e.at);
    mode = d.to ?? mode;
    put(t);
    end = t;
    mode = d.from ?? '';
    if (t < from) return out.reverse();
  }
  put(from);
  return out.reverse();
}

export interface LaneBar {
  job: Job;
  from: number;
  to: number;
  open: boolean; // it runs still
}

/** lanes puts jobs into as few rows as they had slots: in one row none overlap. */
export function lanes(jobs: readonly Job[], from: number, to: number): LaneBar[][] {
  const bars: LaneBar[] = [];
  for (const job of jobs) {
    if (!job.started_at) continue;
    const a = Date.parse(job.started_at);
    const b = job.ended_at ? Date.parse(job.ended_at) : to;
    if (b >= from && a <= to) bars.push({ job, from: a, to: Math.max(a, b), open: !job.ended_at });
  }
  bars.sort((x, y) => x.from - y.from || (x.job.job_id < y.job.job_id ? -1 : 1));
  const out: LaneBar[][] = [];
  for (const bar of bars) {
    const free = out.find((l) => (l.at(-1)?.to ?? 0) <= bar.from);
    if (free) free.push(bar);
    else out.push([bar]);
  }
  return out;
}

/** percentOf is where a time stands between two others, in percent and within them. */
export const percentOf = (t: number, from: number, to: number): number => (to <= from ? 0 : Math.min(100, Math.max(0, (100 * (t - from)) / (to - from))));

/** took is how long a command was under way; undefined while it is. */
export const took = (c: { created_at: string; ended_at?: string }): number | undefined =>
  c.ended_at ? Math.max(0, Date.parse(c.ended_at) - Date.parse(c.created_at)) : undefined;

export interface Line {
  key: string;
  at: string;
  level: string;
  source: string;
  message: string;
  job: string;
}

type Told = Schemas['RobotLogEntry'];

/** appended is a log with newer lines behind it. A line that is there already is left out; the oldest go first. */
export function appended(log: readonly Line[], news: readonly Told[], most: number): Line[] {
  const had = new Set(log.slice(-2 * news.length - 1000).map((l) => l.key));
  const more: Line[] = [];
  for (const n of news) {
    let key = `${n.job_id} ${n.timestamp} ${n.message}`;
    while (more.some((m) => m.key === key)) key += '+'; // the same line twice in one answer is two lines
    if (!had.has(key)) more.push({ key, at: n.timestamp, level: n.level, source: n.source, message: n.message, job: n.job_id });
  }
  const all = more.length === 0 ? [...log] : [...log, ...more];
  return all.slice(-most);
}
