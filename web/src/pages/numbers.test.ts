import { describe, expect, it } from 'vitest';
import type { Schemas } from '../api/client';
import { most } from '../parts/Chart';
import { bursts, summary, told } from '../words/activity';
import { csv } from './analytics/files';
import { course, figures, numbersSearch, slower, step, windowOf } from './analytics/numbers';
import { backwards, changesOf } from './audit/audit';
import { scopeOf } from './key/keys';

const event = (seq: number, type: string, id: string, data: object = {}): Schemas['Event'] =>
  ({ seq, type, name: type, at: '2026-11-27T10:00:00Z', subject: { kind: type.split('.')[0], id }, data }) as unknown as Schemas['Event'];

describe('activity', () => {
  it('is told in sentences', () => {
    expect(told(event(1, 'job.completed', 'j', { workflow_name: 'Pay', robot_id: 'bot-1' }))).toMatchObject({
      text: 'Job Pay completed on bot-1',
      job: 'j',
      robot: 'bot-1',
    });
    expect(told(event(2, 'robot.disconnected', 'bot-1')).text).toBe('Robot bot-1 is offline');
    expect(told(event(3, 'key.used_after_rotation', 'k', { name: 'ci' })).text).toBe('Key ci is used after its rotation');
  });
  const at = (seconds: number) => new Date(Date.parse('2026-11-27T10:00:00Z') + 1000 * seconds).toISOString();
  const list = (...of: [seconds: number, type: string, id: string][]) =>
    of.map(([seconds, type, id], i) => told({ ...event(of.length - i, type, id), at: at(seconds) }));
  it('folds what comes many times within a minute, also when other things lie between', () => {
    const online = (s: number, id: string): [number, string, string] => [s, 'robot.connected', id];
    const b = bursts(
      list(online(59, 'a'), [58, 'job.failed', 'j'], online(40, 'b'), online(30, 'c'), [20, 'job.failed', 'k'], online(1, 'd'), online(-2, 'e')),
    );
    expect(b.map((x) => [x.first.type, x.more.length])).toEqual([
      ['robot.connected', 3],
      ['job.failed', 0],
      ['job.failed', 0],
      ['robot.connected', 0],
    ]);
    expect(b.flatMap((x) => [x.first, ...x.more]).map((t) => t.seq)).toHaveLength(7);
    expect(summary(b[0] as (typeof b)[0])).toBe('4 robots are online');
  });
  it('says when one was meant several times, and never folds over midnight', () => {
    const flaps = bursts(list(...Array.from({ length: 4 }, (_, i): [number, string, string] => [9 - i, 'robot.mode_changed', 'a'])));
    expect(flaps.map(summary)).toEqual(['4 times a robot changed its mode']);
    const jobs = bursts(list(...Array.from({ length: 5 }, (_, i): [number, string, string] => [9 - i, 'job.needs_decision', `j${i}`])));
    expect(jobs.map(summary)).toEqual(['5 jobs need a decision']);
    const night = 14 * 3600;
    const over = bursts(list([night + 1, 'job.failed', 'a'], [night, 'job.failed', 'b'], [night - 1, 'job.failed', 'c'], [night - 2, 'job.failed', 'd']));
    expect(over.map((x) => x.more.length)).toEqual([0, 0, 0, 0]);
  });
});

describe('the audit', () => {
  it('tells what changed, value by value', () => {
    const before = { mode: 'active', tags: ['a'], limits: { slots: 1, cpu: 2 }, note: 'x' };
    const after = { mode: 'paused', tags: ['a', 'b'], limits: { slots: 3, cpu: 2 }, by: 7 };
    expect(changesOf(before, after)).toEqual({
      changed: [
        { path: 'by', before: undefined, after: '7' },
        { path: 'limits.slots', before: '1', after: '3' },
        { path: 'mode', before: 'active', after: 'paused' },
        { path: 'note', before: 'x', after: undefined },
        { path: 'tags', before: '["a"]', after: '["a","b"]' },
      ],
      same: 1,
    });
    expect(changesOf(undefined, { id: 'a' }).changed).toEqual([{ path: 'id', before: undefined, after: 'a' }]);
    expect(changesOf({ id: 'a' }, null).changed).toEqual([{ path: 'id', before: 'a', after: undefined }]);
    expect(changesOf(undefined, undefined)).toEqual({ changed: [], same: 0 });
  });
  const rows = Array.from({ length: 2500 }, (_, i) => ({ seq: i + 1, action: i % 500 === 0 ? 'key.create' : 'job.create' }));
  const ask = (action: string) => (after: number, limit: number) =>
    Promise.resolve({
      entries: rows.filter((r) => r.seq > after && (!action || r.action === action)).slice(0, limit),
      head: { seq: 2500 },
      next_after: 0,
    } as unknown as Schemas['AuditPage']);
  it('is read backwards without a hole', async () => {
    const seen: number[] = [];
    for (let next = 2501; next > 0; ) {
      const got = await backwards(next, ask(''));
      seen.push(...got.rows.map((r) => r.seq));
      next = got.next;
    }
    expect(seen).toEqual(rows.map((r) => r.seq).reverse());
  });
  it('goes on until something matches', async () => {
    const got = await backwards(2501, ask('key.create'));
    expect([got.rows.map((r) => r.seq), got.next]).toEqual([[2001, 1501, 1001, 501, 1], 0]);
  });
});

describe('numbers', () => {
  const n = (more: object) => ({
    readings: 0,
    robots_online: 0,
    ended: 0,
    sample: 0,
    success_rate: 0,
    completed: 0,
    p50_duration_ms: 0,
    p90_duration_ms: 0,
    queue_depth: 0,
    queue_depth_max: 0,
    ...more,
  });
  const change = { robots_online: 0, jobs_percent: null, success_rate_points: 0, p50_duration_percent: null, queue_depth: 0 };
  it('says nothing of nothing', () => {
    const f = figures({ current: n({}), previous: n({}), change } as unknown as Schemas['NumbersOverview']);
    expect(f.map((x) => x.value)).toEqual(['–', '0', '–', '–', '–']);
  });
  it('tells changes in words', () => {
    const f = figures({
      current: n({ readings: 9, robots_online: 2, ended: 12, sample: 10, success_rate: 90, completed: 9, p50_duration_ms: 1500 }),
      previous: n({ readings: 9, ended: 10, sample: 8, completed: 8 }),
      change: { ...change, robots_online: 2, queue_depth: 0, jobs_percent: 20, success_rate_points: -4.5, p50_duration_percent: -30 },
    } as unknown as Schemas['NumbersOverview']);
    expect(f.map((x) => `${x.value}: ${x.change}`)).toEqual([
      '2: 2.0 more than before',
      '12: 20 % more than before',
      '90.0 %: 4.5 points less than before, of 10 jobs',
      '1.5 s: 30 % less than before',
      '0: as before, at most 0',
    ]);
  });
  it('draw up to a round number, and shade in six steps', () => {
    expect([0.3, 7, 100, 101, 0].map((v) => most([v]))).toEqual([0.5, 10, 100, 200, 1e-9]);
    expect([0, 1, 20, 99, 100].map(step)).toEqual([0, 1, 2, 5, 5]);
    expect(numbersSearch({ range: '30d', workflow: '' })).toEqual({ range: '30d' });
  });
  it('are of the time, the workflow and the robot of the address', () => {
    const at = numbersSearch({ range: '30d', from: '2026-11-01T00:00:00Z', to: '2026-11-03T00:00:00Z', robot: 'bot-1', compare: true });
    expect(at).toEqual({ from: '2026-11-01T00:00:00Z', to: '2026-11-03T00:00:00Z', robot: 'bot-1', compare: true });
    expect(windowOf(at, 0)).toMatchObject({ query: 'from=2026-11-01T00%3A00%3A00Z&to=2026-11-03T00%3A00%3A00Z', step: '1h' });
    expect(windowOf({ from: '2026-10-01T00:00:00Z' }, Date.parse('2026-11-01T00:00:00Z')).step).toBe('1d');
    expect(windowOf({}, 0)).toMatchObject({ query: 'range=7d', name: '7 days' });
    expect(numbersSearch({ from: 'x', to: '2026-11-03T00:00:00Z' })).toEqual({});
    expect(numbersSearch({ from: '2026-11-03T00:00:00Z', to: '2026-11-01T00:00:00Z' })).toEqual({ from: '2026-11-03T00:00:00Z' });
  });
});

describe('a key', () => {
  it('says what it is for', () => {
    expect(scopeOf({ kind: 'robot', robot_id: 'b', environment: 'prod' } as Schemas['Key'])).toBe('Robot b in prod');
    expect(scopeOf({ kind: 'service', role: 'operator', scopes: ['jobs:run'], address_ranges: ['10.0.0.0/8'] } as Schemas['Key'])).toBe(
      'Operator · jobs:run · from 10.0.0.0/8',
    );
  });
});

describe('numbers as files', () => {
  it('are quoted, and no name is a formula', () => {
    expect(
      csv(
        ['name', 'n'],
        [
          ['a,"b"', -1],
          ['=1+1', 2],
        ],
      ),
    ).toBe('name,n\r\n"a,""b""",-1\r\n\'=1+1,2\r\n');
  });
  it('have a course where something was counted', () => {
    const points = [
      { ended: 3, sample: 0, success_rate: 0, readings: 0, robots_online: 0 },
      { ended: 5, sample: 4, success_rate: 75, readings: 60, robots_online: 2 },
    ] as unknown as Schemas['NumbersPoint'][];
    expect(course('Jobs ended', points)).toEqual({ values: [3, 5] });
    expect(course('Success rate', points)).toEqual({ values: [0, 75], has: [false, true] });
    expect(course('Robots online', points).has).toEqual([false, true]);
    expect(course('nothing', points)).toEqual({ values: [] });
  });
  it('say which workflow became slower', () => {
    const row = (p50: number, before?: number) =>
      ({
        completed: 2,
        p50_duration_ms: p50,
        ...(before === undefined ? {} : { previous: { completed: 2, p50_duration_ms: before } }),
      }) as unknown as Schemas['NumbersRow'];
    expect([slower(row(20, 10)), slower(row(10, 20)), slower(row(10))]).toEqual([true, false, false]);
  });
});
