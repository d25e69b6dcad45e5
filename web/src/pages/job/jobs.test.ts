import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { cliOf, exportCommand, exportQuery, listQuery } from './actions';
import { actionOf, bulkBody, effects, priorityOf, summaryOf } from './bulk';
import { spanAt, stack, states, top } from './histogram';
import { asked, brief, filters, graceLeft, jobSearch, longest, many, prioritySaid, spanOf, spanWords, timed, turned, waitedFor } from './rows';

const now = Date.parse('2026-11-27T12:00:00Z');

describe('the address of the list of jobs', () => {
  it('keeps what it knows, in whatever form it comes', () => {
    expect(jobSearch({ status: ['failed', 'timeout', 'moon'], prio: 5, why: 'no_match,lunch', range: '24h', q: 17 })).toEqual({
      status: 'failed,timeout',
      prio: '5',
      why: 'no_match',
      q: '17',
    });
    expect(jobSearch({ status: 'pending', range: 'all', from: 'soon' })).toEqual({ status: 'pending', range: 'all' });
    expect(jobSearch({ range: '7d', from: '2026-11-27T10:00:00Z' })).toEqual({ from: '2026-11-27T10:00:00Z' });
    expect(jobSearch({ prio: '21,3,x', trigger: 'retry', robot: 'a,b' })).toEqual({ prio: '3', trigger: 'retry', robot: 'a,b' });
  });
  it('names its span of time, 24 h where none is given', () => {
    expect(spanOf({}, now)).toEqual({ from: '2026-11-26T12:00:00.000Z', to: '' });
    expect(spanOf({ range: 'all' }, now)).toEqual({ from: '', to: '' });
    expect([spanWords({}), spanWords({ range: 'all' }), spanWords({ to: 'x' })]).toEqual(['in the last 24 h', 'of all time', 'in the chosen time']);
  });
  it('asks the server for the same, and says it as a command', () => {
    const s = { status: 'failed,timeout', workflow: 'w', q: "it's", range: '7d' };
    expect(listQuery(s, now, 'c')).toBe(
      'q=it%27s&status=failed&status=timeout&workflow_id=w&from=2026-11-20T12%3A00%3A00.000Z&limit=100&cursor=c'.replace('%27', '%27'),
    );
    expect(cliOf(s)).toBe("fleet job list --status failed --status timeout --workflow w --search 'it'\\''s' --since 168h");
    expect(cliOf({ range: 'all' })).toBe('fleet job list');
    expect(filters(s)).toBe(3);
  });
  it('has another order only where the server has an index for it', () => {
    expect(jobSearch({ ...longest })).toEqual(longest);
    expect(jobSearch({ ...longest, q: 'x' }).sort).toBeUndefined();
    expect(jobSearch({ status: 'running', sort: 'longest' }).sort).toBeUndefined(); // of the last 24 h alone
    expect(jobSearch({ range: 'all', status: 'running,failed', sort: 'longest' }).sort).toBeUndefined();
    expect(listQuery(longest, now, '')).toBe('status=running&limit=100&sort=longest');
    expect(exportQuery(longest, now, undefined, 'csv')).toBe('status=running&format=csv');
  });
  it('carries what is chosen and looked at, which the server is not asked', () => {
    const s = jobSearch({ status: 'failed', sel: 'a,b', peek: 'a' });
    expect(s).toEqual({ status: 'failed', sel: 'a,b', peek: 'a' });
    expect(asked(s)).toEqual({ status: 'failed' });
    expect(jobSearch({ sel: '*' })).toEqual({ sel: '*' });
    expect(jobSearch({ sel: Array.from({ length: 60 }, (_, i) => `j${i}`).join(',') }).sel?.split(',').length).toBe(50);
  });
  it('says a chosen time as a command', () => {
    expect(cliOf({ from: '2026-11-27T10:00:00Z', to: '2026-11-27T11:00:00Z' })).toBe(
      'fleet job list --from 2026-11-27T10:00:00.000Z --until 2026-11-27T11:00:00.000Z',
    );
    expect(exportCommand({ to: '2026-11-27T11:00:00Z' }, 'csv')).toBe('fleet job export --until 2026-11-27T11:00:00.000Z --format csv --to jobs.csv');
  });
  it('says of one that waits for a time how long that is', () => {
    const at = (s: number) => new Date(now + 1000 * s).toISOString();
    const base = { waiting_on: 'backoff', not_before: at(40), epoch: 1 } as const;
    expect(timed({ ...base, error_class: 'application' }, now)).toBe('Attempt 2 in 40 s (application error)');
    expect(timed({ ...base, waiting_on: 'time', epoch: 0, not_before: at(7200) }, now)).toBe('Begins in 2 h');
    expect(timed(base, now + 41_000)).toBe(''); // it waits for something else by now
    expect(timed({ ...base, waiting_on: 'robot' }, now)).toBe('');
  });
  it('leaves the counts of a reason to the panel', () => {
    expect(brief('Waits for a free slot: 19 robots fit, none free (15 capability, 6 offline).')).toBe('Waits for a free slot: 19 robots fit, none free.');
    expect(brief('Waits for 1 job (a) that it depends on.')).toBe('Waits for 1 job (a) that it depends on.');
  });
  it('counts the grace of a stop, and not the time for the word of the robot', () => {
    const asked = new Date(now + 65_000).toISOString();
    expect([0, 30_000, 60_000, 64_000].map((ms) => graceLeft(asked, now + ms))).toEqual([60_000, 30_000, 0, 0]);
  });
  it('says who made a job as urgent as it is', () => {
    expect(prioritySaid({ priority_source: 'schedule' })).toBe(' · from its schedule');
    expect(prioritySaid({ priority_source: 'change', priority_changed_by: 'anna' })).toBe(' · changed by anna');
    expect(prioritySaid({})).toBe('');
  });
  it('says how long a job waits once there is a minute to tell', () => {
    expect([0, 59_999, 60_000, 190_000, 3_600_000].map(waitedFor)).toEqual(['', '', ' · 1 min', ' · 3 min', ' · 1 h 0 min']);
  });
  it('turns words of a list', () => {
    expect([turned(undefined, 'a'), turned('a,b', 'a'), many('a, a,b')]).toEqual(['a', 'b', ['a', 'b']]);
  });
});

describe('the histogram of jobs', () => {
  const h = {
    from: '2026-11-27T10:00:00Z',
    to: '2026-11-27T11:00:00Z',
    step_ms: 1_200_000,
    counted: 7,
    buckets: [
      { at: '2026-11-27T10:00:00Z', counts: { completed: 3, failed: 1 } },
      { at: '2026-11-27T10:20:00Z', counts: {} },
      { at: '2026-11-27T10:40:00Z', counts: { pending: 2, completed: 1 } },
    ],
  } as unknown as Schemas['JobHistogram'];
  it('stacks states so that the fullest bucket fills the height', () => {
    expect(top(h)).toBe(4);
    expect(stack({ completed: 3, failed: 1 }, 4)).toEqual([
      { state: 'completed', count: 3, y: 0.25, h: 0.75 },
      { state: 'failed', count: 1, y: 0, h: 0.25 },
    ]);
    expect(states(h)).toEqual([
      { state: 'pending', count: 2 },
      { state: 'completed', count: 4 },
      { state: 'failed', count: 1 },
    ]);
  });
  it('means the time of whole buckets, whichever end comes first', () => {
    expect(spanAt(h, 1, 0)).toEqual({ from: '2026-11-27T10:00:00.000Z', to: '2026-11-27T10:40:00.000Z' });
    expect(spanAt(h, 2, 9)).toEqual({ from: '2026-11-27T10:40:00.000Z', to: '2026-11-27T11:00:00.000Z' });
  });
});

describe('what is asked of many jobs', () => {
  const job = (id: string, status: string, name = 'Pay') =>
    ({ job_id: id, status, workflow: { workflow_name: name }, priority: 5, trigger: 'manual', created_at: 'c', epoch: 1 }) as unknown as Schemas['JobLine'];
  const jobs = [job('a', 'running'), job('b', 'failed'), job('c', 'pending'), job('d', 'pending')];
  it('says what it does to jobs in each state', () => {
    expect(summaryOf(jobs)).toBe(' (1 running, 1 failed, 2 pending)');
    expect(effects('job_cancel', jobs)).toEqual(['1 running: told to stop, within 60 s.', '1 failed: left as it is.', '2 pending: cancelled at once.']);
    expect(effects('job_retry', jobs)).toEqual([
      '1 running: refused, with the reason.',
      '1 failed: a new job is made.',
      '2 pending: refused, with the reason.',
    ]);
    expect(effects('job_retry', undefined)).toHaveLength(2);
    expect(effects('job_move', jobs.slice(1))).toEqual([
      '1 failed: refused, only a job that waits can be changed.',
      '2 pending: ask for that robot from now on.',
    ]);
    expect(effects('job_priority', jobs.slice(3))).toEqual(['1 pending: is that urgent from now on.']);
  });
  it('reads a priority, and says what the button does', () => {
    expect(['0', ' 20 ', '21', '-1', '', '1.5'].map(priorityOf)).toEqual([0, 20, undefined, undefined, undefined, undefined]);
    expect([
      actionOf('job_priority', { priority: 5 }, true),
      actionOf('job_priority', { priority: 7 }, true),
      actionOf('job_move', { target_robot_id: 'any' }, false),
      actionOf('job_move', undefined, true),
    ]).toEqual(['Set it to High (5)', 'Set it to 7', 'Let any robot take it', 'Move them']);
    expect(bulkBody('job_priority', true, jobs, { why: 'no_match' }, { from: '', to: '' }, { priority: 0 })).toEqual({
      kind: 'job_priority',
      filter: { why: ['no_match'] },
      params: { priority: 0 },
    });
  });
  it('names the jobs, or the filter of all that match', () => {
    expect(bulkBody('job_cancel', false, jobs, {}, { from: '', to: '' }, { force: true })).toEqual({
      kind: 'job_cancel',
      ids: ['a', 'b', 'c', 'd'],
      params: { force: true },
    });
    expect(bulkBody('job_retry', true, jobs, { status: 'failed,timeout', prio: '5', q: 'x' }, { from: 'f', to: '' }, {})).toEqual({
      kind: 'job_retry',
      filter: { status: ['failed', 'timeout'], priority: [5], q: 'x', from: 'f' },
    });
  });
  it('exports chosen jobs, or all that match, and says it as a command', () => {
    const s = { status: 'failed', q: 'a b' };
    expect(exportQuery(s, now, ['a', 'b'], 'csv')).toBe('job_id=a%2Cb&format=csv');
    expect(exportQuery(s, now, undefined, 'jsonl')).toBe('q=a+b&status=failed&from=2026-11-26T12%3A00%3A00.000Z&format=jsonl');
    expect(exportCommand(s, 'csv')).toBe("fleet job export --status failed --search 'a b' --since 24h --format csv --to jobs.csv");
  });
});
