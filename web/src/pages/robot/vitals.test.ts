import { describe, expect, it } from 'vitest';
import type { LiveRobot } from '../../live/frames';
import { top, vitals } from './vitals';

const now = 1_000_000_000;
const robot = (id: string, more: Partial<LiveRobot> = {}): LiveRobot =>
  ({
    robot_id: id,
    name: id,
    status: 'online',
    silent: false,
    version: '1',
    cpu_percent: 0,
    memory_mb: 0,
    last_heartbeat: now - 1000,
    quarantine_until: null,
    duplicate_of: '',
    ...more,
  }) as LiveRobot;

describe('the health of the fleet', () => {
  it('counts each robot that is there by its silence', () => {
    const v = vitals(
      [
        robot('a'),
        robot('b', { last_heartbeat: now - 4999 }),
        robot('c', { last_heartbeat: now - 5000 }),
        robot('d', { last_heartbeat: now - 45_000, silent: true }),
        robot('e', { last_heartbeat: now - 900_000, silent: true }),
        robot('f', { last_heartbeat: now + 3000 }), // its clock is ahead
        robot('g', { status: 'offline' }),
        robot('h', { status: 'offline', last_heartbeat: null }),
      ],
      now,
    );
    expect(v.lag.map((b) => b.n)).toEqual([3, 1, 0, 0, 1, 0, 1]);
    expect([v.offline, v.never]).toEqual([2, 1]);
    expect(v.silent.map((r) => r.robot_id)).toEqual(['e', 'd']);
  });
  it('names the hottest, the quarantined, the versions and the causes', () => {
    const v = vitals(
      [
        ...Array.from({ length: 30 }, (_, i) => robot(`r${i}`, { cpu_percent: (i * 7) % 30, memory_mb: i, version: i < 20 ? '2' : '' })),
        robot('q', { status: 'error', quarantine_until: now + 1 }),
        robot('over', { quarantine_until: now - 1 }),
        robot('e', { status: 'error' }),
        robot('gone', { status: 'offline', cpu_percent: 100 }),
      ],
      now,
    );
    expect(v.cpu.map((r) => r.cpu_percent)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
    expect(v.memory[0]?.robot_id).toBe('r29');
    expect(v.quarantined.map((r) => r.robot_id)).toEqual(['q']);
    expect(v.versions).toEqual([
      { name: '2', n: 20 },
      { name: 'not said', n: 10 },
      { name: '1', n: 4 },
    ]);
    expect(v.causes.map((c) => c.n)).toEqual([1, 1]);
  });
  it('keeps the order of those that are alike', () => {
    expect(top(['a1', 'b1', 'c2'], 2, (s) => Number(s[1]))).toEqual(['c2', 'a1']);
    expect(top([], 3, () => 0)).toEqual([]);
  });
});
