import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { type Bar, scaleOf, viewOf, viewText } from './timeline';
import { criticalOf, openAtFirst, type Row, rowsOf, sizeOf, type Tree, treeOf } from './timelinerows';

const t0 = Date.parse('2026-11-27T10:00:00Z');
const bar = (kind: Bar['kind'], key: string, from: number, to: number, robot = 'a', title = key): Bar => ({
  key,
  kind,
  title,
  node: kind === 'node' ? key : '',
  robot,
  status: 'completed',
  from: t0 + 1000 * from,
  to: t0 + 1000 * to,
  open: false,
  words: '',
});
const names = (rows: readonly Row[]) => rows.map((r) => `${'-'.repeat(r.level)}${r.bar.title}${r.holds ? (r.open ? ' open' : ' closed') : ''}`);
const pass = (seq: number, node_id: string, iteration = ''): Schemas['Step'] =>
  ({ epoch: 1, seq, node_id, iteration, status: 'completed', started_at: new Date(t0 + 1000 * seq).toISOString(), duration_ms: 5 }) as Schemas['Step'];

describe('the rows of a timeline', () => {
  const list = [bar('wait', 'w', 0, 1), bar('attempt', 'a1', 1, 9), bar('node', 'nj1 loop', 1, 8), bar('node', 'nj1 end', 8, 9)];
  const steps = [pass(1, 'loop', '1'), pass(2, 'loop', '2'), pass(3, 'end')];

  it('nests nodes in attempts and passes in nodes', () => {
    const tree = treeOf(list, steps, 'j');
    expect(sizeOf(tree)).toBe(6);
    expect(names(rowsOf(tree, () => true))).toEqual(['w', 'a1 open', '-nj1 loop open', '--Pass 1', '--Pass 2', '-nj1 end']);
    expect(names(rowsOf(tree, (t) => t.bar.kind === 'attempt'))).toEqual(['w', 'a1 open', '-nj1 loop closed', '-nj1 end']);
    expect(names(rowsOf(treeOf(list, [], 'j'), () => false))).toEqual(['w', 'a1 closed']);
  });

  it('has a lane for each robot when there were several', () => {
    const two = [...list, bar('wait', 'w2', 9, 10, 'b'), bar('attempt', 'a2', 10, 12, 'b'), bar('wait', 'w3', 12, 13, 'a'), bar('attempt', 'a3', 13, 20, 'a')];
    const tree = treeOf([...two, bar('wait', 'still', 20, 21, '')], [], 'j');
    expect(names(rowsOf(tree, (t) => t.bar.kind === 'lane'))).toEqual([
      'Robot a open',
      '-w',
      '-a1 closed',
      '-w3',
      '-a3',
      'Robot b open',
      '-w2',
      '-a2',
      'still',
    ]);
    expect(tree[0]?.spans.map((b) => b.key)).toEqual(['a1', 'a3']);
    expect(tree[0]?.bar.words).toBe('2 attempts, 15.0 s');
  });

  it('opens what can be overseen', () => {
    const group = (kind: Bar['kind'], n: number): Tree => ({ bar: bar(kind, 'g', 0, 1), spans: [], holds: Array.from({ length: n }, () => ({}) as Tree) });
    expect(openAtFirst(group('node', 20), 100, 1)).toBe(true);
    expect(openAtFirst(group('node', 21), 100, 1)).toBe(false);
    expect(openAtFirst(group('attempt', 400), 500, 20)).toBe(true);
    expect(openAtFirst(group('attempt', 2), 501, 1)).toBe(false);
    expect(openAtFirst(group('attempt', 2), 100, 21)).toBe(false);
    expect(openAtFirst(group('lane', 900), 5000, 900)).toBe(true);
  });
});

describe('the critical path', () => {
  it('is the nodes that the end waited for', () => {
    const list = [
      bar('attempt', 'a1', 0, 5),
      bar('node', 'old', 0, 5),
      bar('attempt', 'a2', 6, 20),
      bar('node', 'start', 6, 7),
      bar('node', 'short', 7, 9),
      bar('node', 'long', 7, 15),
      bar('node', 'join', 15, 16),
      bar('node', 'end', 16, 16),
    ];
    expect([...criticalOf(list)].sort()).toEqual(['end', 'join', 'long', 'start']);
    expect(criticalOf([]).size).toBe(0);
  });

  it('looks into a fork, and takes the nodes of a loop together', () => {
    const list = [
      bar('attempt', 'a1', 0, 20),
      { ...bar('node', 'fork', 0, 10), type: 'ForkNode' },
      bar('node', 'slow', 0, 10),
      bar('node', 'quick', 0, 1),
      { ...bar('node', 'loop', 10, 19), passes: 9 },
      { ...bar('node', 'body', 11, 20), passes: 9 },
    ];
    expect([...criticalOf(list)].sort()).toEqual(['body', 'loop', 'slow']);
    expect([...criticalOf(list.slice(0, 2))]).toEqual(['fork']);
  });

  it('goes through each part of a job that is cut', () => {
    const list = [
      bar('attempt', 'x', 0, 2, 'a', 'Part 1 · Attempt 1'),
      bar('node', 'n1', 0, 2),
      bar('attempt', 'y', 3, 5, 'b', 'Part 2 · Attempt 1'),
      bar('node', 'n2', 3, 5),
    ];
    expect([...criticalOf(list)].sort()).toEqual(['n1', 'n2']);
  });
});

describe('a part of a timeline', () => {
  const list = [bar('attempt', 'a1', 0, 10), bar('attempt', 'a2', 90, 100)];

  it('takes the whole width, and folds what is idle in it alone', () => {
    const whole = scaleOf(list);
    expect(whole.gaps.map((g) => g.ms)).toEqual([80_000]);
    const s = scaleOf(list, { from: t0, to: t0 + 20_000 });
    expect([s.at(t0), s.at(t0 - 5000), s.at(t0 + 50_000)]).toEqual([0, 0, 100]);
    expect(s.gaps.map((g) => g.ms)).toEqual([10_000]);
    expect(scaleOf(list, { from: t0, to: t0 + 10_000 }).gaps).toEqual([]);
  });

  it('finds the time that stands at a place', () => {
    const s = scaleOf(list, { from: t0, to: t0 + 10_000 });
    for (const p of [0, 12.5, 50, 99, 100]) expect(s.at(s.time(p))).toBeCloseTo(p, 3);
    expect(s.time(25)).toBeCloseTo(t0 + 2500, 0);
    expect(s.time(-5)).toBeCloseTo(t0, 0);
  });

  it('has an address', () => {
    expect(viewOf(viewText({ from: 5.4, to: 9.2 }))).toEqual({ from: 5, to: 10 });
    expect(viewOf(viewText({ from: 5.4, to: 5.5 }))).toEqual({ from: 5, to: 6 });
    for (const bad of [undefined, '', '5', '9-5', '5-5', 'a-b', '-5-9', '1-9999999999999999']) expect(viewOf(bad)).toBeUndefined();
  });

  it('is laid out however many bars there are', () => {
    const s = scaleOf(Array.from({ length: 200_000 }, (_, i) => bar('node', `n${i}`, i, i + 1)));
    expect(Math.round(s.at(t0 + 100_000_000))).toBe(50);
  });
});
