import { describe, expect, it } from 'vitest';
import type { LiveRobot } from '../../live/frames';
import { heading, heat, indexAt, layout, paint, pitch, placeOf, step } from './cells';

const robot = (id: string, more: Partial<LiveRobot> = {}): LiveRobot =>
  ({ robot_id: id, name: id, hostname: 'h1', environment: 'a', status: 'online', tags: [], version: '1', cpu_percent: 0, memory_mb: 0, ...more }) as LiveRobot;

describe('the cells of the grid', () => {
  const all = [
    ...Array.from({ length: 7 }, (_, i) => robot(`a${i}`)),
    ...Array.from({ length: 4 }, (_, i) => robot(`b${i}`, { environment: 'b', hostname: `x${i}` })),
  ];
  const l = layout(all, 'environment', 3 * pitch + 2); // three across
  it('stand in groups, and a point leads to the robot that is there', () => {
    expect(l.groups.map((g) => [g.name, g.from, g.robots.length])).toEqual([
      ['a', 0, 7],
      ['b', 7, 4],
    ]);
    for (let i = 0; i < l.order.length; i++) {
      const p = placeOf(l, i);
      expect(p && indexAt(l, p.x + 7, p.y + 7)).toBe(i);
    }
    expect(placeOf(l, 11)).toBeUndefined();
    expect([indexAt(l, 5, 2), indexAt(l, 2 * pitch, heading + 2 * pitch + 3), indexAt(l, 4 * pitch, heading + 3), indexAt(l, 5, -1)]).toEqual([-1, -1, -1, -1]);
    expect(l.height).toBeGreaterThan(l.groups[1]?.top ?? 0);
  });
  it('are walked with the arrows, across groups', () => {
    expect(step(l, -1, 'ArrowRight')).toBe(0);
    expect([step(l, 0, 'ArrowLeft'), step(l, 10, 'ArrowRight'), step(l, 5, 'Home'), step(l, 5, 'End')]).toEqual([0, 10, 0, 10]);
    expect(step(l, 1, 'ArrowDown')).toBe(4);
    expect(step(l, 4, 'ArrowDown')).toBe(6); // the last line is shorter
    expect(step(l, 6, 'ArrowDown')).toBe(7); // into the next group
    expect(step(l, 8, 'ArrowUp')).toBe(6);
    expect(step(l, 10, 'ArrowDown')).toBe(10);
    expect(step(l, 1, 'ArrowUp')).toBe(1);
  });
  it('of hosts with one robot each stand together', () => {
    expect(layout(all, 'host', 400).groups.map((g) => [g.name, g.robots.length])).toEqual([
      ['h1', 7],
      ['One robot each', 4],
    ]);
  });
  it('are coloured by what is asked, and what is not known stays without', () => {
    expect([heat(0, 100), heat(49, 100), heat(100, 100), heat(5, 0)]).toEqual([0, 2, 5, 0]);
    const cpu = paint('cpu', all, undefined);
    expect([cpu.of(robot('x', { cpu_percent: 99 })), cpu.of(robot('x', { cpu_percent: 99, status: 'offline' }))]).toEqual(['step-5', '']);
    const success = paint('success', all, { a0: 100 });
    expect([success.of(robot('a0')), success.of(robot('a1'))]).toEqual(['step-5', '']);
    const versions = Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 - i }, () => robot('x', { version: `v${i}` }))).flat();
    const v = paint('version', versions, undefined);
    expect([v.of(robot('x', { version: 'v0' })), v.of(robot('x', { version: 'v7' })), v.legend.length]).toEqual(['category-0', 'category-5', 6]);
    expect(paint('status', all, undefined).of(robot('x', { status: 'busy' }))).toBe('busy');
  });
});
