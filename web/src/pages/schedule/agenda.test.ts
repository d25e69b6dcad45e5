import { describe, expect, it } from 'vitest';
import { daysOf, monthName, monthsFrom, skipOf, span } from './agenda';

describe('the agenda', () => {
  const hour = (date: string, at: number) => ({ date, hour: at, runs: 1, together: 0, schedules: [] });
  it('lays hours into the days from now on, and into those of a month', () => {
    const now = new Date(2026, 2, 27, 15, 30).getTime(); // the clocks of Europe change two days later
    const next = span(undefined, now);
    const days = daysOf(next.first, next.days, [hour('2026-03-27', 16), hour('2026-03-30', 0), hour('2026-04-03', 15), hour('2026-04-04', 1)]);
    expect(days.map((d) => d.date)).toEqual(['2026-03-27', '2026-03-28', '2026-03-29', '2026-03-30', '2026-03-31', '2026-04-01', '2026-04-02', '2026-04-03']);
    expect(days.flatMap((d) => d.hours.flatMap((x, h) => (x ? [`${d.date} ${h}`] : [])))).toEqual(['2026-03-27 16', '2026-03-30 0', '2026-04-03 15']);
    expect(days[0]?.name).toBe('Fri 27');
    const february = span('2028-02', now);
    expect([february.days, daysOf(february.first, february.days, [hour('2028-02-29', 3)]).at(-1)?.hours[3]?.runs]).toEqual([29, 1]);
  });
  it('offers months by their names', () => {
    expect(monthsFrom(new Date(2026, 10, 30).getTime(), 3).map(monthName)).toEqual(['November 2026', 'December 2026', 'January 2027']);
  });
  it('skips the next run that comes at all', () => {
    const p = (fire_at: string, at: string | null = fire_at, more = {}) => ({ fire_at, at, ...more });
    expect(skipOf([p('1', null), p('2'), p('3')])).toEqual({ skipped: '2', start: '3' });
    expect(skipOf([p('1', '1', { collapsed: true }), p('2'), p('3')])).toEqual({ skipped: '2', start: '3' });
    expect([skipOf([p('1')]), skipOf([]), skipOf([p('1', null), p('2', null)])]).toEqual([undefined, undefined, undefined]);
  });
});
