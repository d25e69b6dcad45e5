import { describe, expect, it } from 'vitest';
import type { LiveRobot } from '../../live/frames';
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
