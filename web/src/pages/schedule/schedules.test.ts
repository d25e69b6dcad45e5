import { describe, expect, it } from 'vitest';
import type { Fact } from '../../live/frames';
import { around, bodyOf, concerns, cronWords, every, fieldOf, instantIn, inZone, mark, newDraft, often, scheduleSearch, timeOf } from './schedules';

const base = { kind: 'cron', frequency: 'daily', timezone: 'UTC', interval_seconds: 0, time_hour: 9, time_minute: 5, day_of_week: 0, day_of_month: 3 } as const;

describe('the time of a schedule', () => {
  it('is said in words', () => {
    expect(often(base)).toBe('Every day at 09:05');
    expect(often({ ...base, frequency: 'weekly' })).toBe('Every Monday at 09:05');
    expect(often({ ...base, frequency: 'monthly' })).toBe('On day 3 of each month at 09:05');
    expect(often({ ...base, frequency: 'cron', cron_expression: '0 9 1 * 1-5' })).toBe('By the expression 0 9 1 * 1-5');
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
    expect(mark(run)).toBe('');
    expect(mark({ ...run, moved_by_dst: true })).toMatch(/^moved/);
    expect(mark({ ...run, twice_by_dst: true })).toMatch(/runs once$/);
    expect(around({ ...run, free_slots: 2.5, others: ['a', 'b'] })).toBe('usually 2.5 slots free · together with a, b');
    expect(mark({ ...run, at: null, excluded_by_calendar: true })).toMatch(/^left out/);
  });
  it('puts errors at their field, and knows outcomes', () => {
    expect([fieldOf('cron'), fieldOf('overlap.max'), fieldOf('variables.x')]).toEqual(['cron_expression', 'overlap', 'inputs']);
    expect(scheduleSearch({ outcome: 'missed' })).toEqual({ outcome: 'missed' });
    expect(scheduleSearch({ outcome: 'toString' })).toEqual({});
  });
});

describe('a schedule that is shown', () => {
  it('is not asked for any more once it is deleted', () => {
    const fact = (topic: string, type: string) => concerns({ topic, type } as unknown as Fact);
    expect([fact('schedules', 'schedule.fired'), fact('schedules', 'calendar.updated'), fact('schedules', 'schedule.deleted')]).toEqual([true, true, false]);
  });
});

describe('an expression in words', () => {
  it('is said when it is plain, and shown as it is otherwise', () => {
    expect(['0 9 * * 1-5', '*/15 * * * *', '30 8 * * 1,3,7', '5 */6 * * *', '0 9,17 * * 5', '0 9 * * 0'].map(cronWords)).toEqual([
      'At 09:00, Monday to Friday',
      'Every 15 minutes',
      'At 08:30, Monday, Wednesday and Sunday',
      'Every 6 hours at minute 5',
      'At 09:00, 17:00, Friday',
      'At 09:00, Sunday',
    ]);
    // 7 does not divide an hour, 60 is no minute, and the rest has parts of its own.
    expect(['*/7 * * * *', '60 9 * * *', '0 9 1 * *', '0 9 * * 5#2', '0 9 * * MON', '@daily', '* * * * * *', ''].map(cronWords)).toEqual(
      Array(8).fill(undefined),
    );
  });
});
