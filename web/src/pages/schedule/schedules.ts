/** What the page of schedules decides. Pure. */
import type { Schemas } from '../../api/client';
import type { Fact } from '../../live/frames';
import { cronWords } from './cronwords';

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

/** The orders of the list; soonest first if left out. */
export const orders = ['next', 'name', 'last'] as const;
export type Order = (typeof orders)[number];
export const orderNames: Readonly<Record<Order, string>> = { next: 'next run', name: 'name', last: 'last run' };

/** Search is the address of the page: how its list is narrowed, the month of its agenda, and the outcomes of the one that is open. */
export interface Search {
  q?: string;
  enabled?: 'yes' | 'no';
  freq?: Kind;
  sort?: Order;
  view?: 'agenda';
  month?: string; // 2026-12; the next days if left out
  outcome?: keyof typeof outcomes;
}

export function scheduleSearch(s: Record<string, unknown>): Search {
  const out: Search = {};
  if ((typeof s.q === 'string' && s.q) || typeof s.q === 'number') out.q = String(s.q).slice(0, 200);
  if (s.enabled === 'yes' || s.enabled === true || s.enabled === 'true') out.enabled = 'yes';
  if (s.enabled === 'no' || s.enabled === false || s.enabled === 'false') out.enabled = 'no';
  const freq = frequencies.find((f) => f === s.freq);
  if (freq) out.freq = freq;
  const sort = orders.find((o) => o === s.sort);
  if (sort && sort !== 'next') out.sort = sort;
  if (s.view === 'agenda') out.view = 'agenda';
  if (typeof s.month === 'string' && /^\d{4}-(0[1-9]|1[0-2])$/.test(s.month)) out.month = s.month;
  if (typeof s.outcome === 'string' && Object.hasOwn(outcomes, s.outcome)) out.outcome = s.outcome as keyof typeof outcomes;
  return out;
}

/** narrowed is the list as an address has it: what matches, in its order. One without the time that is asked for comes last. */
export function narrowed(list: readonly Schedule[], s: Search): Schedule[] {
  const word = (s.q ?? '').trim().toLowerCase();
  const has = (text: string | undefined) => (text ?? '').toLowerCase().includes(word);
  const out = list.filter(
    (x) =>
      (word === '' || has(x.schedule_name) || has(x.workflow_name) || has(x.cron_expression) || has(x.description)) &&
      (s.enabled === undefined || x.enabled === (s.enabled === 'yes')) &&
      (s.freq === undefined || x.frequency === s.freq),
  );
  const time = (t: string | null, none: number) => (t ? Date.parse(t) : none);
  const by: Record<Order, (a: Schedule, b: Schedule) => number> = {
    next: (a, b) => time(a.next_run, Number.MAX_VALUE) - time(b.next_run, Number.MAX_VALUE),
    name: (a, b) => a.schedule_name.localeCompare(b.schedule_name),
    last: (a, b) => time(b.last_run, 0) - time(a.last_run, 0),
  };
  return out.sort((a, b) => by[s.sort ?? 'next'](a, b) || a.schedule_name.localeCompare(b.schedule_name));
}

/** asked are the words of what the list is narrowed to. */
export const asked = (s: Search): string[] => [
  ...(s.q ? [s.q] : []),
  ...(s.enabled ? [s.enabled === 'yes' ? 'enabled' : 'disabled'] : []),
  ...(s.freq ? [s.freq] : []),
];

/** rate is how many of the jobs that have ended succeeded. */
export const rate = (s: Pick<Schedule, 'success_count' | 'failure_count'>): string => {
  const ended = s.success_count + s.failure_count;
  return ended === 0 ? '–' : `${Math.floor((100 * s.success_count) / ended)} %`;
};

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
  atOnce: string; // jobs, of queue_all and parallel
  misfire: NonNullable<Schemas['MisfireChange']['policy']>;
  within: string; // minutes in which a missed run is made up for
  catchUp: string; // runs, of run_all
  calendars: readonly string[];
  inputs: string;
  priority: string;
  jitter: string; // seconds
  start: string; // on the clocks of zone; empty: at once
  end: string;
  failures: string; // in a row, after which it is disabled; 0: never
  startWithin: string; // minutes after its time in which a job is to begin; 0: whenever
  endWithin: string; // likewise to end
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
  atOnce: '100',
  misfire: 'run_once',
  within: '60',
  catchUp: '10',
  calendars: [],
  inputs: '{}',
  priority: '10',
  jitter: '0',
  start: '',
  end: '',
  failures: '0',
  startWithin: '0',
  endWithin: '0',
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
  ...(s.overlap.max ? { atOnce: String(s.overlap.max) } : {}),
  misfire: s.misfire.policy as Draft['misfire'],
  ...(s.misfire.within_seconds ? { within: String(s.misfire.within_seconds / 60) } : {}),
  ...(s.misfire.max ? { catchUp: String(s.misfire.max) } : {}),
  calendars: s.calendars ?? [],
  inputs: JSON.stringify(s.input ?? {}, null, 2),
  priority: String(s.priority),
  jitter: String(s.jitter_seconds ?? 0),
  start: s.start_at ? localIn(s.start_at, s.timezone) : '',
  end: s.end_at ? localIn(s.end_at, s.timezone) : '',
  failures: String(s.pause_after_failures ?? 0),
  startWithin: String((s.start_within_seconds ?? 0) / 60),
  endWithin: String((s.end_within_seconds ?? 0) / 60),
  environment: s.environment ?? 'default',
  placement: s.placement ?? {},
});

/** copyOf is a draft of a new schedule like one that is there. */
export const copyOf = (s: Schedule): Draft => ({ ...draftOf(s), name: `${s.schedule_name} copy` });

/** counted says whether a rule for overlaps has a number of jobs. */
export const counted = (overlap: Draft['overlap']): boolean => overlap === 'queue_all' || overlap === 'parallel';

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
    overlap: { policy: d.overlap, ...(counted(d.overlap) ? { max: Number(d.atOnce || 100) } : {}) },
    misfire: {
      policy: d.misfire,
      ...(d.misfire === 'skip' ? {} : { within_seconds: Math.round(60 * Number(d.within || 60)) }),
      ...(d.misfire === 'run_all' ? { max: Number(d.catchUp || 10) } : {}),
    },
    inputs,
    priority: Number(d.priority || 10),
    pause_after_failures: Number(d.failures || 0),
    start_within_seconds: Math.round(60 * Number(d.startWithin || 0)),
    end_within_seconds: Math.round(60 * Number(d.endWithin || 0)),
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

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

/** mark says what is special about a run of the preview; empty: nothing. */
export function mark(r: Schemas['PreviewedRun'], d: Pick<Draft, 'kind' | 'cron' | 'zone'>): string {
  if (r.excluded_by_calendar) return r.at === null ? 'left out: a calendar does not allow it' : 'put on another day: a calendar does not allow it';
  if (r.collapsed) return 'another run at the same time stands for it';
  if (!r.moved_by_dst && !r.twice_by_dst) return '';
  const [day = '', clock = ''] = inZone(r.fire_at, d.zone).split(' ');
  const on = `${Number(day.slice(8))} ${months[Number(day.slice(5, 7)) - 1] ?? ''}`;
  if (!r.moved_by_dst) return `${clock.slice(0, 5)} comes twice on ${on}: runs once`;
  const own = /^(\d{1,2}) (\d{1,2}) /.exec(d.kind === 'cron' ? d.cron.trim() : ''); // a list of times does not say which of them it is
  return `${own ? `${two(Number(own[2]))}:${two(Number(own[1]))}` : 'Its time'} does not exist on ${on}: runs at ${clock.slice(0, 5)}`;
}

/** The usual times, for who does not write expressions. */
export const presets = [
  { name: 'Every 15 minutes', cron: '*/15 * * * *' },
  { name: 'Every hour', cron: '0 * * * *' },
  { name: 'Every day at 09:00', cron: '0 9 * * *' },
  { name: 'Monday to Friday at 09:00', cron: '0 9 * * 1-5' },
  { name: 'Every Monday at 09:00', cron: '0 9 * * 1' },
  { name: 'On the first day of each month at 09:00', cron: '0 9 1 * *' },
  { name: 'On the last day of each month at 18:00', cron: '0 18 L * *' },
  { name: 'On the first Monday of each month at 09:00', cron: '0 9 * * 1#1' },
] as const;

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
