/** The histogram above the list of jobs: what stands where, and which time a brush means. Pure. */
import type { Schemas } from '../../api/client';
import { jobStatuses } from './rows';

type Histogram = Schemas['JobHistogram'];

export const tones: Readonly<Record<string, string>> = {
  completed: 'good',
  failed: 'bad',
  timeout: 'late',
  cancelled: 'off',
  pending: 'wait',
  assigned: 'run',
  running: 'run',
  cancelling: 'off',
  needs_decision: 'need',
};

/** order is how states are stacked, from below. */
const order = ['completed', 'cancelled', 'timeout', 'failed', 'needs_decision', 'cancelling', 'running', 'assigned', 'pending'];

export interface Bar {
  state: string;
  count: number;
  y: number; // share of the height, from above
  h: number;
}

/** top is the most jobs that one bucket has; at least one. */
export const top = (h: Histogram): number => Math.max(1, ...h.buckets.map((b) => Object.values(b.counts).reduce((n, c) => n + c, 0)));

/** stack is a bucket as bars over each other. */
export function stack(counts: Readonly<Record<string, number>>, most: number): Bar[] {
  let y = 1;
  return order.flatMap((state) => {
    const count = counts[state] ?? 0;
    if (count === 0) return [];
    const h = count / most;
    y -= h;
    return [{ state, count, y, h }];
  });
}

/** states are those that the histogram has any of, in the order of the list's filter, with how many. */
export function states(h: Histogram): { state: string; count: number }[] {
  const sum = new Map<string, number>();
  for (const b of h.buckets) for (const [s, n] of Object.entries(b.counts)) sum.set(s, (sum.get(s) ?? 0) + n);
  return jobStatuses.filter((s) => (sum.get(s) ?? 0) > 0).map((state) => ({ state, count: sum.get(state) ?? 0 }));
}

/** spanAt is the time of the buckets from a to b, both included, whichever comes first. */
export function spanAt(h: Histogram, a: number, b: number): { from: string; to: string } {
  const [first, last] = [Math.max(0, Math.min(a, b)), Math.min(h.buckets.length - 1, Math.max(a, b))];
  const begin = Date.parse(h.from);
  return {
    from: new Date(begin + first * h.step_ms).toISOString(),
    to: new Date(last === h.buckets.length - 1 ? Date.parse(h.to) : begin + (last + 1) * h.step_ms).toISOString(),
  };
}
