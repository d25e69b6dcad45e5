import { describe, expect, it } from 'vitest';
import type { Fact } from '../../live/frames';
import { cronWords } from './cronwords';
import {
  around,
  bodyOf,
  concerns,
  every,
  fieldOf,
  instantIn,
  inZone,
  mark,
  narrowed,
  newDraft,
  often,
  type Schedule,
  type Search,
  scheduleSearch,
  timeOf,
} from './schedules';

const base = { kind: 'cron', frequency: 'daily', timezone: 'UTC', interval_seconds: 0, time_hour: 9, time_minute: 5, day_of_week: 0, day_of_month: 3 } as const;

describe('the time of a schedule', () => {
  it('is said in words', () => {
    expect(often(base)).toBe('Every day at 09:05');
    expect(often({ ...base, frequency: 'weekly' })).toBe('Every Monday at 09:05');
    expect(often({ ...base, frequency: 'monthly' })).toBe('On day 3 of each month at 09:05');
    expect(often({ ...base, frequency: 'cron', cron_expression: '0 9 1 * 1-5' })).toBe('At 09:00, on day 1, or Monday to Friday');
    expect(often({ ...base, kind: 'once', run_at: '2026-07-01T10:00:00Z', timezone: 'Europe/Berlin' })).toBe('Once, at 2026-07-01 12:00:00');
    expect([every(900), every(3600), every(90), every(172_800)]).toEqual(['Every 15 minutes', 'Every hour', 'Every 90 seconds', 'Every 2 days']);
  });
  it('is read on the clocks of its zone', () => {
    expect(instantIn('2026-07-01T12:00', 'Europe/Berlin')).toBe('2026-07-01T10:00:00.000Z');
    expect(instantIn('2026-01-01T12:00', 'Europe/Berlin')).toBe('2026-01-01T11:00:00.000Z');
    expect(instantIn('', 'UTC')).toBeUndefined();
    expect(inZone('2026-01-01T00:00:00Z', 'No/Where')).toBe('2026-01-01 00:00:00');
  });
  it('is sent with what else is set', () => {
    const d = { ...newDraft('UTC'), name: 'n', workflow: 'w', jitter: '30', start: '2026-01-02T03:04', failures: '3', priority: '0' };
    expect(bodyOf(d)).toMatchObject({ jitter_seconds: 30, start_at: '2026-01-02T03:04:00.000Z', pause_after_failures: 3, priority: 0 });
    expect(bodyOf(d)).toMatchObject({ overlap: { policy: 'skip' }, misfire: { policy: 'run_once', within_seconds: 3600 } });
    expect(bodyOf({ ...d, overlap: 'queue_all', atOnce: '3', misfire: 'run_all', within: '90', catchUp: '4' })).toMatchObject({
      overlap: { policy: 'queue_all', max: 3 },
      misfire: { policy: 'run_all', within_seconds: 5400, max: 4 },
    });
    expect(bodyOf({ ...d, startWithin: '1.5', endWithin: '' })).toMatchObject({ start_within_seconds: 90, end_within_seconds: 0 });
    expect(bodyOf({ ...d, inputs: '[]' })).toBeUndefined();
  });
  it('is sent as its kind alone', () => {
    expect(timeOf({ ...newDraft('UTC'), kind: 'interval', seconds: '60' })).toEqual({
      kind: 'interval',
      calendars: [],
      timezone: 'UTC',
      interval_seconds: 60,
      jitter_seconds: 0,
    });
  });
});

describe('what is told of it', () => {
  it('marks runs that are moved or left out', () => {
    const run = { fire_at: '2026-01-01T00:00:00Z', at: '2026-01-01T00:00:00Z' };
    const d = { kind: 'cron', cron: '30 2 * * *', zone: 'Europe/Berlin' } as const;
    expect(mark(run, d)).toBe('');
    const moved = { fire_at: '2026-03-29T01:00:00Z', at: '2026-03-29T01:00:00Z', moved_by_dst: true };
    expect(mark(moved, d)).toBe('02:30 does not exist on 29 March: runs at 03:00');
    expect(mark(moved, { ...d, cron: '0,30 2 * * *' })).toBe('Its time does not exist on 29 March: runs at 03:00');
    const twice = { fire_at: '2026-10-25T00:30:00Z', at: '2026-10-25T00:30:00Z', twice_by_dst: true };
    expect(mark(twice, d)).toBe('02:30 comes twice on 25 October: runs once');
    expect(around({ ...run, free_slots: 2.5, others: ['a', 'b'] })).toBe('usually 2.5 slots free · together with a, b');
    expect(mark({ ...run, at: null, excluded_by_calendar: true }, d)).toMatch(/^left out/);
  });
  it('puts errors at their field', () => {
    expect([fieldOf('cron'), fieldOf('overlap.max'), fieldOf('variables.x')]).toEqual(['cron_expression', 'overlap', 'inputs']);
  });
});

describe('a schedule that is shown', () => {
  it('is not asked for any more once it is deleted', () => {
    const fact = (topic: string, type: string) => concerns({ topic, type } as unknown as Fact);
    expect([fact('schedules', 'schedule.fired'), fact('schedules', 'calendar.updated'), fact('schedules', 'schedule.deleted')]).toEqual([true, true, false]);
  });
});

describe('an expression in words', () => {
  it('is said whatever parts it has', () => {
    const said: Readonly<Record<string, string>> = {
      '0 9 * * 1-5': 'At 09:00, Monday to Friday',
      '*/15 * * * *': 'Every 15 minutes',
      '*/7 * * * *': 'Every 7 minutes from each full hour',
      '* * * * *': 'Every minute',
      '30 8 * * 1,3,7': 'At 08:30, Monday, Wednesday and Sunday',
      '5 */6 * * *': 'Every 6 hours at minute 5',
      '0 9,17 * * 5': 'At 09:00 and 17:00, Friday',
      '0 9-17 * * MON-FRI': 'Every hour from 09:00 to 17:00, Monday to Friday',
      '*/30 8-18 * * *': 'Every 30 minutes from 08:00 to 18:59',
      '0,30 2 * * *': 'At 02:00 and 02:30',
      '30 18 L * *': 'At 18:30, the last day of the month',
      '30 18 LW * *': 'At 18:30, the last workday of the month',
      '0 6 15W * *': 'At 06:00, the workday nearest to day 15',
      '0 9 * * 5#2': 'At 09:00, the second Friday of the month',
      '0 17 * * 5L': 'At 17:00, the last Friday of the month',
      '0 9 1 * *': 'At 09:00, on day 1',
      '0 9 1,15 * 1-5': 'At 09:00, on day 1 and day 15, or Monday to Friday',
      '30 2 25-31 3 *': 'At 02:30, on day 25 to day 31 in March',
      '@daily': 'At 00:00',
      '@first_monday': 'At 00:00, the first Monday of the month',
    };
    expect(Object.fromEntries(Object.keys(said).map((e) => [e, cronWords(e)]))).toEqual(said);
  });
  it('is shown as it is where there are no words for it', () => {
    expect(['60 9 * * *', '1-5/2 9 * * *', '* * * * * *', '0 9 * * 8', '@never', ''].map(cronWords)).toEqual(Array(6).fill(undefined));
  });
});

describe('the list of schedules', () => {
  const one = (schedule_name: string, more: object = {}) =>
    ({ schedule_name, workflow_name: 'Pay', cron_expression: '', enabled: true, frequency: 'daily', next_run: null, last_run: null, ...more }) as Schedule;
  const list = [
    one('b', { next_run: '2026-01-02T00:00:00Z', frequency: 'weekly' }),
    one('c', { enabled: false, workflow_name: 'Archive' }),
    one('a', { next_run: '2026-01-03T00:00:00Z', last_run: '2026-01-01T00:00:00Z' }),
  ];
  const names = (s: Search) => narrowed(list, s).map((x) => x.schedule_name);
  it('is narrowed and ordered by its address', () => {
    expect([names({}), names({ sort: 'name' }), names({ sort: 'last' })]).toEqual([
      ['b', 'a', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect([names({ q: 'arch' }), names({ enabled: 'no' }), names({ enabled: 'yes', freq: 'weekly' }), names({ q: 'x' })]).toEqual([['c'], ['c'], ['b'], []]);
  });
  it('keeps what it knows of its address, and drops the rest', () => {
    expect(scheduleSearch({ q: 7, enabled: true, freq: 'daily', sort: 'name', view: 'agenda', month: '2026-12', outcome: 'missed' })).toEqual({
      q: '7',
      enabled: 'yes',
      freq: 'daily',
      sort: 'name',
      view: 'agenda',
      month: '2026-12',
      outcome: 'missed',
    });
    expect(scheduleSearch({ q: {}, enabled: 'x', freq: 'x', sort: 'next', view: 'x', month: '2026-13', outcome: 'toString' })).toEqual({});
  });
});
