/** What the page of numbers says about them. The figures are the server's; only their words are made here. Pure. */
import type { Schemas } from '../../api/client';
import { lasted } from '../../parts/words';

export const ranges = [
  { word: '24h', name: '24 hours', step: '1h' },
  { word: '7d', name: '7 days', step: '1h' },
  { word: '30d', name: '30 days', step: '1d' },
  { word: '90d', name: '90 days', step: '1d' },
] as const;

export interface NumbersSearch {
  range?: string;
  workflow?: string;
}

export function numbersSearch(s: Record<string, unknown>): NumbersSearch {
  const out: NumbersSearch = {};
  if (ranges.some((r) => r.word === s.range) && s.range !== '7d') out.range = s.range as string;
  if (typeof s.workflow === 'string' && s.workflow) out.workflow = s.workflow;
  return out;
}

export const percent = (n: number): string => `${n >= 99.95 || n === 0 ? Math.round(n) : n.toFixed(1)} %`;
export const count = (n: number): string => (Number.isInteger(n) ? String(n) : n.toFixed(1));

export interface Figure {
  name: string;
  value: string;
  change: string; // in words
  to?: '/fleet/robots' | '/fleet/jobs' | '/fleet/queues'; // where what was counted is listed
}

const jobs = (n: number): string => `${n} ${n === 1 ? 'job' : 'jobs'}`;
const more = (n: number, unit: string): string =>
  Math.abs(n) < 0.05 ? 'as before' : `${Math.abs(n).toFixed(1)}${unit} ${n > 0 ? 'more' : 'less'} than before`;
const grown = (p: number | null): string =>
  p === null ? 'there was nothing to compare with' : Math.abs(p) < 0.5 ? 'as before' : `${Math.abs(p).toFixed(0)} % ${p > 0 ? 'more' : 'less'} than before`;

/** figures are the five numbers at the top, each with its change in words. A rate of nothing is said as such. */
export function figures(o: Schemas['NumbersOverview']): Figure[] {
  const { current: c, change: d, previous: b } = o;
  return [
    {
      name: 'Robots online',
      to: '/fleet/robots',
      value: c.readings > 0 ? count(c.robots_online) : '–',
      change: c.readings > 0 && b.readings > 0 ? more(d.robots_online, '') : 'the mean of readings once a minute',
    },
    { name: 'Jobs ended', to: '/fleet/jobs', value: String(c.ended), change: grown(d.jobs_percent) },
    {
      name: 'Success rate',
      value: c.sample > 0 ? percent(c.success_rate) : '–',
      change: c.sample === 0 ? 'no job ended' : b.sample === 0 ? `of ${jobs(c.sample)}` : `${more(d.success_rate_points, ' points')}, of ${jobs(c.sample)}`,
    },
    {
      name: 'Median duration',
      value: c.completed > 0 ? lasted(c.p50_duration_ms) : '–',
      change: c.completed === 0 ? 'no job completed' : b.completed === 0 ? `90 % within ${lasted(c.p90_duration_ms)}` : grown(d.p50_duration_percent),
    },
    {
      name: 'Queue depth',
      value: c.readings > 0 ? count(c.queue_depth) : '–',
      change: c.readings > 0 ? `at most ${c.queue_depth_max}` : 'the mean of readings once a minute',
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

/** slower says whether a workflow took longer than in the window before. */
export const slower = (r: Schemas['NumbersRow']): boolean =>
  r.completed > 0 && r.previous !== undefined && r.previous.completed > 0 && r.p50_duration_ms > r.previous.p50_duration_ms;
