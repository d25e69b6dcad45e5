/** What the health of a robot reads like, and its history as a chart draws it. Pure. */
import type { Schemas } from '../../api/client';
import { label, span } from '../../parts/words';

type Check = Schemas['HealthCheck'];
type History = NonNullable<Schemas['RobotFigures']['history']>;

const names: Readonly<Record<string, string>> = {
  heartbeat: 'Since it was last heard of',
  cpu: 'Processor, mean of 5 minutes',
  memory: 'Memory',
  disk: 'Disk',
  failures: 'Failed of its last jobs',
  lost_attempts: 'Attempts lost in 24 hours',
  disconnects: 'Ends of its connection in an hour',
  quarantine: 'Quarantine',
  clock_offset: 'Offset of its clock',
  self_test: 'Last self-test',
};

export const nameOf = (c: Check): string => names[c.name] ?? label(c.name);

/** measure is a value in its unit. */
export function measure(n: number, unit: string): string {
  if (unit === 'percent') return `${n >= 10 ? Math.round(n) : n.toFixed(1)} %`;
  if (unit === 'seconds')
    return span(1000 * Math.round(n))
      .replace(/^0 ms$/, '0 s')
      .replace(/ min 0 s$/, ' min');
  return String(Math.round(n));
}

/** Checks that know only well or not, in words. */
const plain: Readonly<Record<string, { no: string; well: string; bad: string; failing: string }>> = {
  quarantine: { no: 'Not read', well: 'No', bad: 'Yes', failing: 'In it' },
  self_test: { no: 'Never tested', well: 'Passed', bad: 'Failed', failing: 'It found something wrong' },
};

/** readOf is what a check read; one that read nothing says so. */
export function readOf(c: Check): string {
  const p = plain[c.name];
  if (c.state === 'unknown') return p?.no ?? 'Not read';
  return p ? (c.value > 0 ? p.bad : p.well) : measure(c.value, c.unit);
}

/** limitsOf are from where on a check is degraded, and failing. */
export function limitsOf(c: Check): readonly [string, string] {
  const p = plain[c.name];
  return p ? ['–', p.failing] : [measure(c.degraded_at, c.unit), measure(c.failing_at, c.unit)];
}

export interface Drawn {
  at: number[];
  has: boolean[];
  cpu: number[];
  memory: number[];
  taken: number[];
  slots: number[];
}

/** drawn spreads a history over its whole time: where the robot was away there is a gap, not a zero. */
export function drawn(h: History): Drawn {
  const step = 1000 * h.step_seconds;
  const by = new Map(h.points.map((p) => [Math.floor(Date.parse(p.at) / step), p]));
  const out: Drawn = { at: [], has: [], cpu: [], memory: [], taken: [], slots: [] };
  for (let i = Math.floor(Date.parse(h.from) / step) + 1; i * step <= Date.parse(h.to); i++) {
    const p = by.get(i);
    out.at.push(i * step);
    out.has.push(p !== undefined);
    out.cpu.push(p?.cpu_percent ?? 0);
    out.memory.push(p?.memory_percent ?? 0);
    out.taken.push(p?.taken_slots ?? 0);
    out.slots.push(p?.slots ?? 0);
  }
  return out;
}
