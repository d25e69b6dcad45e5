import { describe, expect, it } from 'vitest';
import { collisions, skipOf, type Upcoming, week } from './agenda';

const run = (schedule_id: string, at: Date | string): Upcoming => {
  const next_run = typeof at === 'string' ? at : at.toISOString();
  return { schedule_id, schedule_name: schedule_id, workflow_id: 'w', next_run, fire_at: next_run };
};

describe('the agenda', () => {
  it('puts runs into days and hours of this browser, and leaves later ones out', () => {
    const now = new Date(2026, 2, 27, 15, 30).getTime(); // the clocks of Europe change two days later
    const runs = [
      run('a', new Date(2026, 2, 27, 16, 5)),
      run('b', new Date(2026, 2, 30, 0, 0)),
      run('c', new Date(2026, 3, 2, 23, 59)),
      run('d', new Date(2026, 3, 3)),
    ];
    const days = week(runs, now);
    expect(days.map((d) => d.date)).toEqual(['2026-03-27', '2026-03-28', '2026-03-29', '2026-03-30', '2026-03-31', '2026-04-01', '2026-04-02']);
    const placed = days.flatMap((d) => d.hours.flatMap((list, h) => list.map((r) => `${r.schedule_id} ${d.date} ${h}`)));
    expect(placed).toEqual(['a 2026-03-27 16', 'b 2026-03-30 0', 'c 2026-04-02 23']);
  });
  it('finds minutes in which several start', () => {
    const got = collisions([
      run('a', '2026-03-27T09:00:00Z'),
      run('b', '2026-03-27T09:00:40Z'),
      run('a', '2026-03-27T10:00:00Z'),
      run('a', '2026-03-27T10:00:30Z'),
      run('c', '2026-03-26T09:00:00Z'),
    ]);
    expect(got.map((c) => [c.at, c.runs.map((r) => r.schedule_id)])).toEqual([['2026-03-27T09:00:00.000Z', ['a', 'b']]]);
  });
  it('skips the next run that comes at all', () => {
    const p = (fire_at: string, at: string | null = fire_at, more = {}) => ({ fire_at, at, ...more });
    expect(skipOf([p('1', null), p('2'), p('3')])).toEqual({ skipped: '2', start: '3' });
    expect(skipOf([p('1', '1', { collapsed: true }), p('2'), p('3')])).toEqual({ skipped: '2', start: '3' });
    expect([skipOf([p('1')]), skipOf([]), skipOf([p('1', null), p('2', null)])]).toEqual([undefined, undefined, undefined]);
  });
});
