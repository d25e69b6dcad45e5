import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import type { Fact, LiveRobot } from '../../live/frames';
import { concerns, crew, newest, segments, soonest } from './overview';

const robots = (...words: string[]) => words.map((status, i) => ({ robot_id: `r${i}`, status }) as LiveRobot);
const fact = (f: Partial<Fact>) => ({ seq: 1, op: 'put', id: 'x', v: 1, type: 'job.started', at: '', topic: 'jobs', ...f }) as Fact;

describe('the overview', () => {
  it('counts robots so that they add up', () => {
    const all = robots('online', 'online', 'busy', 'paused', 'strange');
    const s = segments(all);
    expect(s.map((x) => x.word)).toEqual(['online', 'busy', 'offline', 'error', 'maintenance', 'paused', 'strange']);
    expect(s.reduce((n, x) => n + x.count, 0)).toBe(all.length);
    expect(segments([]).map((x) => x.count)).toEqual([0, 0, 0, 0, 0]);
  });
  it('looks again at what needs somebody when a fact may have changed it', () => {
    expect(concerns(fact({ to_state: 'needs_decision' }))).toBe(true);
    expect(concerns(fact({ from_state: 'pending', to_state: 'assigned' }))).toBe(true);
    expect(concerns(fact({ from_state: 'running', to_state: 'completed' }))).toBe(false);
    expect(concerns(fact({ topic: 'robots', type: 'job.started' }))).toBe(false);
    expect(concerns(fact({ topic: 'robots', type: 'robot.disconnected' }))).toBe(true);
    expect(concerns(fact({ topic: 'schedules', type: 'schedule.missed' }))).toBe(true);
  });
  it('forgets runs that have begun', () => {
    const run = (at: string) => ({ next_run: at, schedule_id: at }) as Schemas['UpcomingRun'];
    const now = Date.parse('2026-11-27T10:00:00Z');
    expect(soonest([run('2026-11-27T09:00:00Z'), run('2026-11-27T10:01:00Z'), run('2026-11-27T11:00:00Z')], now, 1).map((r) => r.schedule_id)).toEqual([
      '2026-11-27T10:01:00Z',
    ]);
  });
  it('tells an event once, the newest first', () => {
    const e = (id: string) => ({ id }) as Schemas['ActivityEntry'];
    const data = { events: [e('a'), e('b')], total: 2 };
    expect(newest(data, e('c'), 2)?.events.map((x) => x.id)).toEqual(['c', 'a']);
    expect(newest(data, e('a'), 2)).toBeUndefined();
  });
  it('counts the crew in words', () => {
    expect([crew(1), crew(2), crew(12)]).toEqual(['One local robot is running', 'Two local robots are running', '12 local robots are running']);
  });
});
