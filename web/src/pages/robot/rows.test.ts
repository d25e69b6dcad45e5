import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import type { LiveRobot } from '../../live/frames';
import { bodyOf, effects, grave, hard, kinds, productionOf, wish } from './bulk';
import { changed } from './dialogs';
import { drawn, nameOf, readOf } from './health';
import { choiceText, count, counts, joined, listed, listOf, nextSort, pips, type RobotSearch, robotSearch, tone, turned, words } from './rows';
import { robotTab } from './tabs';

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
  const all = [
    robot('bot-10', { status: 'busy', cpu_percent: 9 }),
    robot('bot-2', { capabilities: ['browser', 'gpu'], cpu_percent: 80 }),
    robot('x', { tags: ['Bottom'], environment: 'a,b' }),
  ];
  const ids = (s: RobotSearch) => listed(all, s).rows.map((r) => r.robot_id);
  it('drops what it does not know of its address', () => {
    expect(robotSearch({ q: 'a', status: 'idle', cap: 'gpu', other: 1, sort: 'size', view: 'list', group: 'x', tint: 7 })).toEqual({ q: 'a', cap: 'gpu' });
    expect(robotSearch({ status: ['busy', 'online', 'no'], q: 42, sort: '-cpu', view: 'grid' })).toEqual({
      status: 'busy,online',
      q: '42',
      sort: '-cpu',
      view: 'grid',
    });
    expect(robotSearch({ sort: 'name', view: 'table', group: 'environment', tint: 'status' })).toEqual({});
  });
  it('keeps words with commas whole', () => {
    expect(words(joined(['a,b', '50%', 'c']))).toEqual(['a,b', '50%', 'c']);
    expect(turned(turned(undefined, 'a,b'), 'c')).toBe('a%2Cb,c');
    expect(turned('a%2Cb,c', 'a,b')).toBe('c');
    expect(turned('c', 'c')).toBeUndefined();
    expect(ids({ env: joined(['a,b']) as string })).toEqual(['x']);
  });
  it('orders by name as people count, and by what else is asked', () => {
    expect(ids({})).toEqual(['bot-2', 'bot-10', 'x']);
    expect(ids({ sort: '-name' })).toEqual(['x', 'bot-10', 'bot-2']);
    expect(ids({ sort: '-cpu' })).toEqual(['bot-2', 'bot-10', 'x']);
    expect(ids({ sort: 'status' })).toEqual(['bot-2', 'x', 'bot-10']);
    expect([nextSort(undefined, 'cpu'), nextSort('cpu', 'cpu'), nextSort('-cpu', 'cpu'), nextSort(undefined, 'name'), nextSort('-name', 'name')]).toEqual([
      'cpu',
      '-cpu',
      undefined,
      '-name',
      undefined,
    ]);
  });
  it('filters by words, states, capabilities and tags together', () => {
    expect(ids({ q: 'BOT' }).length).toBe(3);
    expect(ids({ status: 'busy' })).toEqual(['bot-10']);
    expect(ids({ status: 'busy,online' }).length).toBe(3);
    expect(ids({ cap: 'gpu,browser' })).toEqual(['bot-2']);
    expect(ids({ cap: 'gpu,desktop' })).toEqual([]);
    expect(ids({ tag: 'Bottom' })).toEqual(['x']);
    expect(ids({ cap: 'gpu', status: 'busy' })).toEqual([]);
  });
  it('counts by status what the other filters leave', () => {
    expect([...listed(all, { status: 'busy' }).by]).toEqual([
      ['busy', 1],
      ['online', 2],
    ]);
    expect([...listed(all, { q: 'bot-1', status: 'online' }).by]).toEqual([['busy', 1]]);
    expect(counts(all).get('online')).toBe(2);
  });
  it('is worked out once for all who ask for the same', () => {
    expect(listOf(all, { q: 'bot' })).toBe(listOf(all, { q: 'bot', peek: 'x', view: 'grid' }));
    expect(listOf(all, { q: 'bot' })).not.toBe(listOf([...all], { q: 'bot' }));
  });
  it('shows slots as marks where they are few', () => {
    expect([pips(2, 3), pips(0, 1), pips(4, 3), pips(2, 40)]).toEqual(['▮▮▯', '▯', '▮▮▮', '']);
  });
  it('worries by the limits of the environment', () => {
    const l = { suspect: 30, lost: 90 };
    expect([tone(29, l), tone(30, l), tone(90, l), tone(900, undefined)]).toEqual(['', 'warn', 'bad', '']);
  });
  it('writes a choice into the address where it fits', () => {
    expect([choiceText(new Set(), true), choiceText(new Set(['a', 'b']), false), choiceText(new Set(), false)]).toEqual(['*', 'a,b', undefined]);
    expect(choiceText(new Set(Array.from({ length: 101 }, (_, i) => `r${i}`)), false)).toBeUndefined();
  });
  it('has a comma before each three digits', () => {
    expect([count(7), count(999), count(1000), count(1234567)]).toEqual(['7', '999', '1,000', '1,234,567']);
  });
});

describe('an operation on many robots', () => {
  const by = new Map([
    ['online', 10],
    ['busy', 31],
    ['offline', 9],
    ['maintenance', 2],
  ]);
  it('says what becomes of each', () => {
    expect(effects('maintenance', by, 'keep')).toEqual([
      '10 online: no new work; what they run comes to its end.',
      '31 busy: no new work; what they run comes to its end.',
      '9 offline: done when they connect.',
      '2 maintenance: changed to maintenance.',
    ]);
    expect(effects('restart', by, 'cancel')).toContain('9 offline: left out, they are not connected.');
    expect(effects('restart', by, 'requeue')).toContain('31 busy: no new work; what they run goes back to the queue, then the program starts anew.');
    expect(effects('resume', by, 'keep')).toContain('2 maintenance: take work again.');
    expect(effects('delete', by, 'keep')[2]).toBe('9 offline: gone for good, with their keys; what they run ends when their lease does.');
    for (const k of kinds) expect(effects(k, by, 'keep').every((e) => /^\d+ \w+: [a-z].*\.$/.test(e))).toBe(true);
  });
  it('asks the server for what was wished', () => {
    expect(bodyOf({ ...wish('maintenance'), note: ' patch ', until: '4' }, ['a'])).toEqual({
      body: { kind: 'maintenance', ids: ['a'], params: { running: 'keep', note: 'patch', for_seconds: 14_400 }, waves: { stop_on_failure_percent: 20 } },
    });
    expect(bodyOf({ ...wish('restart'), waves: 'percent', wave: '25', atLeast: '3', stopAt: '5' }, ['a', 'b'])).toEqual({
      body: { kind: 'restart', ids: ['a', 'b'], params: { running: 'keep' }, waves: { percent: 25, min_available: 3, stop_on_failure_percent: 5 } },
    });
    expect(bodyOf({ ...wish('stop'), running: 'cancel' }, ['a'])).toMatchObject({ body: { params: { force: true } } });
    expect(bodyOf({ ...wish('tag'), add: 'east, night', remove: 'old' }, ['a'])).toMatchObject({
      body: { kind: 'tag', params: { add_tags: ['east', 'night'], remove_tags: ['old'] } },
    });
    expect(bodyOf(wish('tag'), ['a'])).toEqual({ wrong: 'Name a tag to add or to remove.' });
    expect(bodyOf({ ...wish('restart'), waves: 'percent', wave: '101' }, ['a'])).toEqual({ wrong: 'A wave is 1 to 100 percent.' });
    expect(bodyOf({ ...wish('pause'), stopAt: 'x' }, ['a'])).toHaveProperty('wrong');
  });
  it('wants the number typed where much is at stake', () => {
    expect([
      grave(wish('restart'), 21),
      grave(wish('restart'), 20),
      grave(wish('maintenance'), 500),
      grave({ ...wish('maintenance'), running: 'cancel' }, 21),
    ]).toEqual([true, false, false, true]);
  });
  it('knows what is hard, and which of the robots are in production', () => {
    expect([hard(wish('stop')), hard(wish('pause')), hard({ ...wish('drain'), running: 'cancel' })]).toEqual([true, false, true]);
    const marked = new Set(['prod']);
    expect(productionOf([{ environment: 'lab' }, { environment: 'prod' }], marked)).toBe('prod');
    expect(productionOf([{ environment: 'lab' }], marked)).toBe('');
    expect(productionOf([], marked)).toBe('');
  });
});

describe('the page of a robot', () => {
  it('drops what it does not know of its address', () => {
    expect([robotTab({ tab: 'logs', range: '7d', x: 1 }), robotTab({ tab: 'overview', range: '1h' }), robotTab({ tab: 'no' })]).toEqual([
      { tab: 'logs', range: '7d' },
      {},
      {},
    ]);
  });
  it('changes only what a person has set otherwise', () => {
    const r = { name: 'bot', pool: 'default', tags: ['a', 'b'], slot_limit: 3 };
    expect(changed(r, { name: 'bot', pool: 'default', tags: 'a, b', slots: '3' })).toEqual({});
    expect(changed(r, { name: ' new ', pool: 'x', tags: '', slots: '0' })).toEqual({ name: 'new', pool: 'x', tags: [], max_concurrent_jobs: 0 });
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
