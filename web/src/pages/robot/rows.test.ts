import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import { drawn, nameOf, readOf } from './health';
import { counts, robotSearch, shown } from './rows';

const robot = (id: string, more: Partial<LiveRobot> = {}): LiveRobot =>
  ({
    robot_id: id,
    name: id,
    hostname: '',
    environment: 'default',
    status: 'online',
    capabilities: [],
    tags: [],
    max_concurrent_jobs: 3,
    current_jobs: 0,
    ...more,
  }) as LiveRobot;

describe('the list of robots', () => {
  const all = [robot('bot-10', { status: 'busy' }), robot('bot-2', { capabilities: ['gpu'] }), robot('x', { tags: ['Bottom'] })];
  it('drops what it does not know of its address', () => {
    expect(robotSearch({ q: 'a', status: 'idle', cap: 'gpu', other: 1 })).toEqual({ q: 'a', cap: 'gpu' });
    expect(robotSearch({ status: 'busy', q: '' })).toEqual({ status: 'busy' });
  });
  it('orders by name as people count', () => {
    expect(shown(all, {}).map((r) => r.robot_id)).toEqual(['bot-2', 'bot-10', 'x']);
  });
  it('filters by words, status and capability together', () => {
    expect(shown(all, { q: 'BOT' }).length).toBe(3);
    expect(shown(all, { status: 'busy' }).map((r) => r.robot_id)).toEqual(['bot-10']);
    expect(shown(all, { cap: 'gpu', status: 'busy' })).toEqual([]);
  });
  it('counts by status', () => {
    expect(counts(all)).toEqual(
      new Map([
        ['busy', 1],
        ['online', 2],
      ]),
    );
  });
});

describe('the health of a robot', () => {
  const check = (more: object) =>
    ({ name: 'cpu', state: 'healthy', value: 12.34, unit: 'percent', degraded_at: 80, failing_at: 95, ...more }) as Schemas['HealthCheck'];
  it('is told with its units, and what was not read is no zero', () => {
    expect(
      [check({}), check({ unit: 'seconds', value: 90 }), check({ state: 'unknown', value: 0 }), check({ name: 'quarantine', unit: '', value: 0 })].map(readOf),
    ).toEqual(['12 %', '1 min 30 s', 'Not read', 'No']);
    expect([nameOf(check({})), nameOf(check({ name: 'new_check' }))]).toEqual(['Processor, mean of 5 minutes', 'New check']);
  });
  it('has gaps in its history where the robot was away', () => {
    const point = (at: string) => ({ at, cpu_percent: 50, memory_percent: 20, taken_slots: 1, slots: 2 });
    const d = drawn({
      range: '1h',
      from: '2026-11-27T10:00:30Z',
      to: '2026-11-27T10:04:30Z',
      step_seconds: 60,
      points: [point('2026-11-27T10:01:00Z'), point('2026-11-27T10:04:00Z')],
    } as unknown as Parameters<typeof drawn>[0]);
    expect([d.has, d.cpu]).toEqual([
      [true, false, false, true],
      [50, 0, 0, 50],
    ]);
  });
});
