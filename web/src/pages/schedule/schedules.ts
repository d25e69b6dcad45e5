/** What the page of schedules decides. Pure. */
import type { Schemas } from '../../api/client';
import type { Fact } from '../../live/frames';

export type Schedule = Schemas['ScheduleAnswer'];
export type Fire = Schemas['Fire'];

/** What became of an instant, and what that means where the server gives no reason. */
export const outcomes = {
  fired: 'there is a job',
  missed: 'nobody was there in time, and it is not made up for',
  collapsed: 'another instant stands for it',
  skipped_overlap: 'jobs of the schedule had not ended',
  skipped_calendar: 'a calendar does not allow it',
  refused: 'the job could not be made',
} as const;

/** The kinds of time by which the list can be narrowed. */
export const frequencies = ['once', 'interval', 'hourly', 'daily', 'weekly', 'monthly', 'cron'] as const;
export type Kind = (typeof frequencies)[number];

export interface ListSearch {
  view?: 'agenda';
  freq?: Kind;
}

export function listSearch(s: Record<string, unknown>): ListSearch {
  const freq = frequencies.find((f) => f === s.freq);
  return { ...(s.view === 'agenda' ? { view: 'agenda' as const } : {}), ...(freq ? { freq } : {}) };
}

/** rate is how many of the jobs that have ended succeeded. */
export const rate = (s: Pick<Schedule, 'success_count' | 'failure_count'>): string => {
  const ended = s.success_count + s.failure_count;
  return ended === 0 ? '–' : `${Math.floor((100 * s.success_count) / ended)} %`;
};

export interface ScheduleSearch {
  outcome?: keyof typeof outcomes;
}

export const scheduleSearch = (s: Record<string, unknown>): ScheduleSearch =>
  typeof s.outcome === 'string' && Object.hasOwn(outcomes, s.outcome) ? { outcome: s.outcome as keyof typeof outcomes } : {};

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const two = (n: number) => String(n).padStart(2, '0');

/** every is a span of seconds in the greatest unit that holds it whole. */
export function every(seconds: number): string {
  for (const [n, word] of [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const)
    if (seconds >= n && seconds % n === 0) return seconds === n ? `Every ${word}` : `Every ${seconds / n} ${word}s`;
  return `Every ${seconds} seconds`;
}

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** daysIn reads a field of weekdays that is a number, a range or a list of numbers. */
function daysIn(field: string): string | undefined {
  const range = /^([0-7])-([0-7])$/.exec(field);
  if (range) return `${weekdays[Number(range[1])]} to ${weekdays[Number(range[2])]}`;
  if (!/^[0-7](,[0-7])*$/.test(field)) return undefined;
  const names = field.split(',').map((d) => weekdays[Number(d)] ?? '');
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** cronWords says the plain forms of an expression in words; undefined: it is shown as it is. */
export function cronWords(expression: string): string | undefined {
  const [minute = '', hour = '', day, month, weekday = '', more] = expression.trim().split(/\s+/);
  if (day !== '*' || month !== '*' || more !== undefined) return undefined;
  const step = (field: string) => Number(/^\*\/([1-9]\d?)$/.exec(field)?.[1] ?? 0);
  const number = (field: string, below: number) => (/^\d{1,2}$/.test(field) && Number(field) < below ? Number(field) : undefined);
  const days = weekday === '*' ? '' : daysIn(weekday);
  if (days === undefined) return undefined;
  const on = days === '' ? '' : `, ${days}`;
  const [m, h] = [number(minute, 60), number(hour, 24)];
  if (step(minute) > 1 && 60 % step(minute) === 0 && hour === '*') return `Every ${step(minute)} minutes${on}`;
  if (m === undefined) return undefined;
  if (step(hour) > 1 && 24 % step(hour) === 0) return `Every ${step(hour)} hours at minute ${m}${on}`;
  if (/^\d{1,2}(,\d{1,2})+$/.test(hour) && hour.split(',').every((x) => Number(x) < 24))
    return `At ${hour
      .split(',')
      .map((x) => `${two(Number(x))}:${two(m)}`)
      .join(', ')}${on}`;
  return h === undefined ? undefined : `At ${two(h)}:${two(m)}${on}`;
}

/** often is the time of a schedule in words. */
export function often(
  s: Pick<Schedule, 'kind' | 'frequency' | 'timezone' | 'interval_seconds' | 'time_hour' | 'time_minute' | 'day_of_week' | 'day_of_month'> & {
    cron_expression?: string;
    run_at?: string;
  },
): string {
  if (s.kind === 'interval') return every(s.interval_seconds);
  if (s.kind === 'once') return s.run_at ? `Once, at ${inZone(s.run_at, s.timezone)}` : 'Once';
  const at = `${two(s.time_hour)}:${two(s.time_minute)}`;
  switch (s.frequency) {
    case 'hourly':
      return `Every hour at minute ${s.time_minute}`;
    case 'daily':
      return `Every day at ${at}`;
    case 'weekly':
      return `Every ${days[s.day_of_week] ?? 'week'} at ${at}`;
    case 'monthly':
      return `On day ${s.day_of_month} of each month at ${at}`;
    default:
      return cronWords(s.cron_expression ?? '') ?? `By the expression ${s.cron_expression ?? ''}`;
  }
}

/** partsIn are the clock and the day of a zone at an instant; an unknown zone is read as UTC. */
function partsIn(t: number, zone: string): Record<string, string> {
  const o: Intl.DateTimeFormatOptions = {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  };
  let f: Intl.DateTimeFormat;
  try {
    f = new Intl.DateTimeFormat('en-GB', { ...o, timeZone: zone || 'UTC' });
  } catch {
    f = new Intl.DateTimeFormat('en-GB', { ...o, timeZone: 'UTC' });
  }
  return Object.fromEntries(f.formatToParts(t).map((p) => [p.type, p.value]));
}

/** inZone is an instant on the clocks of a zone. */
export function inZone(iso: string, zone: string): string {
  const p = partsIn(Date.parse(iso), zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
}

/** localIn is an instant as a field for a time wants it. */
export const localIn = (iso: string, zone: string): string => inZone(iso, zone).slice(0, 16).replace(' ', 'T');

/** instantIn is the instant at which the clocks of a zone show what a person picked. */
export function instantIn(local: string, zone: string): string | undefined {
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall)) return undefined;
  const offset = (t: number) => Date.parse(`${inZone(new Date(t).toISOString(), zone).replace(' ', 'T')}Z`) - t;
  const first = wall - offset(wall);
  return new Date(wall - offset(first)).toISOString();
}

export interface Draft {
  name: string;
  workflow: string;
  kind: 'cron' | 'interval' | 'once';
  cron: string;
  seconds: string;
  at: string; // on the clocks of zone
  zone: string;
  overlap: NonNullable<Schemas['OverlapChange']['policy']>;
  misfire: NonNullable<Schemas['MisfireChange']['policy']>;
  calendars: readonly string[];
  inputs: string;
  priority: string;
  jitter: string; // seconds
  start: string; // on the clocks of zone; empty: at once
  end: string;
  failures: string; // in a row, after which it is disabled; 0: never
  environment: string;
  placement: NonNullable<Schedule['placement']>;
}

export const newDraft = (zone: string): Draft => ({
  name: '',
  workflow: '',
  kind: 'cron',
  cron: '0 9 * * 1-5',
  seconds: '900',
  at: '',
  zone,
  overlap: 'skip',
  misfire: 'run_once',
  calendars: [],
  inputs: '{}',
  priority: '10',
  jitter: '0',
  start: '',
  end: '',
  failures: '0',
  environment: 'default',
  placement: {},
});

export const draftOf = (s: Schedule): Draft => ({
  ...newDraft(s.timezone),
  name: s.schedule_name,
  workflow: s.workflow_id,
  kind: s.kind as Draft['kind'],
  ...(s.cron_expression ? { cron: s.cron_expression } : {}),
  ...(s.interval_seconds ? { seconds: String(s.interval_seconds) } : {}),
  ...(s.run_at ? { at: localIn(s.run_at, s.timezone) } : {}),
  overlap: s.overlap.policy as Draft['overlap'],
  misfire: s.misfire.policy as Draft['misfire'],
  calendars: s.calendars ?? [],
  inputs: JSON.stringify(s.input ?? {}, null, 2),
  priority: String(s.priority),
  jitter: String(s.jitter_seconds ?? 0),
  start: s.start_at ? localIn(s.start_at, s.timezone) : '',
  end: s.end_at ? localIn(s.end_at, s.timezone) : '',
  failures: String(s.pause_after_failures ?? 0),
  environment: s.environment ?? 'default',
  placement: s.placement ?? {},
});

/** copyOf is a draft of a new schedule like one that is there. */
export const copyOf = (s: Schedule): Draft => ({ ...draftOf(s), name: `${s.schedule_name} copy` });

/** bodyOf is what makes or changes a schedule; undefined when the inputs are no JSON object. */
export function bodyOf(d: Draft): Schemas['ScheduleBody'] | undefined {
  let inputs: unknown;
  try {
    inputs = JSON.parse(d.inputs || '{}');
  } catch {
    return undefined;
  }
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) return undefined;
  return {
    ...timeOf(d),
    schedule_name: d.name,
    workflow_id: d.workflow,
    overlap: { policy: d.overlap },
    misfire: { policy: d.misfire },
    inputs,
    priority: Number(d.priority || 10),
    pause_after_failures: Number(d.failures || 0),
    environment: d.environment,
    placement: d.placement,
  };
}

/** timeOf is the part of a draft that says when. */
export function timeOf(d: Draft): Schemas['PreviewScheduleBody'] {
  const body: Schemas['PreviewScheduleBody'] = { kind: d.kind, calendars: [...d.calendars] };
  if (d.zone) body.timezone = d.zone;
  const at = instantIn(d.at, d.zone);
  if (d.kind === 'cron') body.cron_expression = d.cron;
  else if (d.kind === 'interval') body.interval_seconds = Math.round(Number(d.seconds));
  else if (at) body.run_at = at;
  body.jitter_seconds = Math.round(Number(d.jitter || 0));
  const [start, end] = [instantIn(d.start, d.zone), instantIn(d.end, d.zone)];
  if (start) body.start_at = start;
  if (end) body.end_at = end;
  return body;
}

/** mark says what is special about a run of the preview; empty: nothing. */
export function mark(r: Schemas['PreviewedRun']): string {
  if (r.excluded_by_calendar) return r.at === null ? 'left out: a calendar does not allow it' : 'put on another day: a calendar does not allow it';
  if (r.collapsed) return 'another run at the same time stands for it';
  if (r.moved_by_dst) return 'moved: the clocks change, and its own time does not exist';
  return r.twice_by_dst ? 'its time comes twice, because the clocks change: it runs once' : '';
}

/** around says what else comes with a run, and how much room there usually is; empty: nothing is known. */
export function around(r: Schemas['PreviewedRun']): string {
  const out: string[] = [];
  if (r.free_slots !== undefined) out.push(`usually ${r.free_slots} ${r.free_slots === 1 ? 'slot' : 'slots'} free`);
  if (r.others && r.others.length > 0) out.push(`together with ${r.others.join(', ')}`);
  return out.join(' · ');
}

const own: Record<string, string> = { cron: 'cron_expression', name: 'schedule_name', input: 'inputs', variables: 'inputs' };

/** fieldOf is the field of the editor that an error of the server is about. */
export function fieldOf(name: string): string {
  const head = name.split('.')[0] ?? '';
  return own[head] ?? head;
}

/** concerns says whether a fact changes what is shown of one schedule. One that is deleted cannot be asked for any more. */
export function concerns(f: Fact): boolean {
  if (f.topic === 'jobs') return f.to_state !== undefined;
  return (f.type.startsWith('schedule.') && f.type !== 'schedule.deleted') || f.type.startsWith('calendar.');
}
