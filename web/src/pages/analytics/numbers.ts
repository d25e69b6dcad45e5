/** What the page of numbers says about them. The figures are the server's; only their words are made here. Pure. */
import type { Schemas } from '../../api/client';
import { lasted } from '../../parts/words';
import { type JobSearch, jobSearch } from '../job/rows';

export const ranges = [
  { word: '24h', name: '24 hours', step: '1h' },
  { word: '7d', name: '7 days', step: '1h' },
  { word: '30d', name: '30 days', step: '1d' },
  { word: '90d', name: '90 days', step: '1d' },
] as const;

export interface NumbersSearch {
  range?: string;
  from?: string; // instead of a range
  to?: string;
  workflow?: string;
  robot?: string;
  compare?: true; // with the window before
  heat?: 'cpu'; // what the heat map shows; slots if left out
}

export function numbersSearch(s: Record<string, unknown>): NumbersSearch {
  const out: NumbersSearch = {};
  const time = (v: unknown) => (typeof v === 'string' && !Number.isNaN(Date.parse(v)) ? v : undefined);
  const [from, to] = [time(s.from), time(s.to)];
  if (from) {
    out.from = from;
    if (to && Date.parse(to) > Date.parse(from)) out.to = to;
  } else if (ranges.some((r) => r.word === s.range) && s.range !== '7d') out.range = s.range as string;
  if (s.compare === true || s.compare === 'true') out.compare = true;
  if (s.heat === 'cpu') out.heat = 'cpu';
  if (typeof s.workflow === 'string' && s.workflow) out.workflow = s.workflow;
  if (typeof s.robot === 'string' && s.robot) out.robot = s.robot;
  return out;
}

export interface Window {
  word: string; // for the name of a file
  name: string; // as in "the 7 days before"
  query: string;
  step: string;
}

/** windowOf is the time that an address asks for, and how fine its course is. */
export function windowOf(s: NumbersSearch, now: number): Window {
  if (s.from) {
    const span = Date.parse(s.to ?? new Date(now).toISOString()) - Date.parse(s.from);
    const query = new URLSearchParams({ from: s.from, ...(s.to ? { to: s.to } : {}) });
    return { word: s.from.slice(0, 10), name: 'time', query: query.toString(), step: span > 8 * 86_400_000 ? '1d' : '1h' };
  }
  const r = ranges.find((x) => x.word === s.range) ?? ranges[1];
  return { word: r.word, name: r.name, query: `range=${r.word}`, step: r.step };
}

export const percent = (n: number): string => `${n >= 99.95 || n === 0 ? Math.round(n) : n.toFixed(1)} %`;
export const count = (n: number): string => (Number.isInteger(n) ? String(n) : n > 0 && n < 0.05 ? 'under 0.1' : n.toFixed(1));

export interface Figure {
  name: string;
  value: string;
  change: string; // in words
  before: string; // the same of the window before
  to: '/fleet/robots' | '/fleet/jobs'; // where what was counted is listed
  search: JobSearch;
}

const jobs = (n: number): string => `${n} ${n === 1 ? 'job' : 'jobs'}`;
const more = (n: number, unit: string): string =>
  Math.abs(n) < 0.05 ? 'as before' : `${Math.abs(n).toFixed(1)}${unit} ${n > 0 ? 'more' : 'less'} than before`;
const grown = (p: number | null): string =>
  p === null ? 'there was nothing to compare with' : Math.abs(p) < 0.5 ? 'as before' : `${Math.abs(p).toFixed(0)} % ${p > 0 ? 'more' : 'less'} than before`;

/** figures are the five numbers at the top, each with its change in words. A rate of nothing is said as such. */
export function figures(o: Schemas['NumbersOverview'], of: Pick<NumbersSearch, 'workflow' | 'robot'> = {}): Figure[] {
  const { current: c, change: d, previous: b } = o;
  const narrow = { ...(of.workflow ? { workflow: of.workflow } : {}), ...(of.robot ? { robot: of.robot } : {}) };
  const window = { from: o.from, to: o.to, ...narrow };
  const jobsIn = (status: string) => ({ to: '/fleet/jobs' as const, search: jobSearch(status ? { ...window, status } : window) });
  return [
    {
      name: 'Robots online',
      to: '/fleet/robots',
      search: {},
      before: b.readings > 0 ? count(b.robots_online) : '–',
      value: c.readings > 0 ? count(c.robots_online) : '–',
      change: c.readings > 0 && b.readings > 0 ? more(d.robots_online, '') : 'the mean of readings once a minute',
    },
    { name: 'Jobs ended', ...jobsIn('completed,failed,timeout,cancelled'), value: String(c.ended), before: String(b.ended), change: grown(d.jobs_percent) },
    {
      name: 'Success rate',
      ...jobsIn('completed,failed,timeout'),
      before: b.sample > 0 ? percent(b.success_rate) : '–',
      value: c.sample > 0 ? percent(c.success_rate) : '–',
      change: c.sample === 0 ? 'no job ended' : b.sample === 0 ? `of ${jobs(c.sample)}` : `${more(d.success_rate_points, ' points')}, of ${jobs(c.sample)}`,
    },
    {
      name: 'Median duration',
      ...jobsIn('completed'),
      before: b.completed > 0 ? lasted(b.p50_duration_ms) : '–',
      value: c.completed > 0 ? lasted(c.p50_duration_ms) : '–',
      change: c.completed === 0 ? 'no job completed' : b.completed === 0 ? `90 % within ${lasted(c.p90_duration_ms)}` : grown(d.p50_duration_percent),
    },
    {
      name: 'Queue depth',
      to: '/fleet/jobs', // what waits now: the window says when jobs were made, not when they waited
      search: jobSearch({ range: 'all', status: 'pending', ...narrow }),
      before: b.readings > 0 ? count(b.queue_depth) : '–',
      value: c.readings > 0 ? count(c.queue_depth) : '–',
      change: c.readings === 0 ? 'the mean of readings once a minute' : `${b.readings > 0 ? `${more(d.queue_depth, '')}, ` : ''}at most ${c.queue_depth_max}`,
    },
  ];
}

/** step is how dark a cell of the heat map is, 0 to 5. */
export const step = (utilization: number): number => (utilization <= 0 ? 0 : Math.min(5, 1 + Math.floor(utilization / 20)));

export const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

type Point = Schemas['NumbersPoint'];

/** course is how a figure went, as far as the series has it. */
export function course(figure: string, points: readonly Point[]): { values: number[]; has?: boolean[] } {
  switch (figure) {
    case 'Jobs ended':
      return { values: points.map((p) => p.ended) };
    case 'Success rate':
      return { values: points.map((p) => p.success_rate), has: points.map((p) => p.sample > 0) };
    case 'Median duration':
      return { values: points.map((p) => p.p50_duration_ms), has: points.map((p) => p.completed > 0) };
    case 'Queue depth':
      return { values: points.map((p) => p.queue_depth), has: points.map((p) => p.readings > 0) };
    case 'Robots online':
      return { values: points.map((p) => p.robots_online), has: points.map((p) => p.readings > 0) };
    default:
      return { values: [] };
  }
}

/** courseBefore is the course of a figure in the window before. */
export function courseBefore(figure: string, points: readonly (Point | undefined)[]): { values: number[]; has: boolean[] } {
  const known = points.filter((p): p is Point => p !== undefined);
  const own = course(figure, known);
  let k = -1;
  const values: number[] = [];
  const has: boolean[] = [];
  for (const p of points) {
    if (p) k++;
    values.push(p ? (own.values[k] ?? 0) : 0);
    has.push(p !== undefined && (own.has?.[k] ?? true));
  }
  return { values, has };
}

/** beforeOf is the window of equal length before one. */
export const beforeOf = (o: { from: string; to: string }): { from: string; to: string } => ({
  from: new Date(2 * Date.parse(o.from) - Date.parse(o.to)).toISOString(),
  to: o.from,
});

/** beside lays the points of the window before under those of now, one for one from the newest; a place without one is undefined. */
export const beside = (now: readonly Point[], before: readonly Point[]): (Point | undefined)[] => now.map((_, i) => before[before.length - now.length + i]);

/** slower says whether a workflow took longer than in the window before. */
export const slower = (r: Schemas['NumbersRow']): boolean =>
  r.completed > 0 && r.previous !== undefined && r.previous.completed > 0 && r.p50_duration_ms > r.previous.p50_duration_ms;
