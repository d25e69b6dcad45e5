import { describe, expect, it } from 'vitest';
import { type Pass, recordingOf, standingAt } from './passes';
import { failedAt, pause, told, viewAt } from './replay';
import { fromSteps, type RunView, standOf } from './run';

const pass = (node_id: string, from: number, ms: number, over: Partial<Pass> = {}): Pass => ({
  part: 0,
  epoch: 1,
  seq: 1,
  node_id,
  status: 'completed',
  started_at: new Date(from).toISOString(),
  duration_ms: ms,
  ...over,
});
const words = (passes: Pass[], n: number) =>
  [...standingAt(recordingOf(passes), n).nodes].map(([id, s]) => `${id} ${s.status}${s.runs > 1 ? ` ${s.runs}` : ''}`);

const view: RunView = {
  kind: 'job',
  id: 'j',
  status: 'failed',
  where: 'bot-1',
  progress: 60,
  current: '',
  nodes: new Map([['a', { status: 'completed', runs: 1, ms: 5 }]]),
  error: 'broken',
  failedNode: 'b',
  waiting: '',
  exact: true,
};

describe('a replay', () => {
  const a = pass('a', 1000, 5, { seq: 1 });
  const b = pass('b', 1005, 0, { seq: 2, status: 'failed', error: 'broken' });
  it('goes from moment to moment, each node in words', () => {
    const r = recordingOf([b, a]); // in whichever order they came
    expect(r.moments.map((m) => `${m.at} ${m.pass} ${m.end}`)).toEqual(['1000 0 false', '1005 0 true', '1005 1 false', '1005 1 true']);
    expect([0, 1, 2, 3, 4].map((n) => words([a, b], n))).toEqual([
      [],
      ['a running'],
      ['a completed'],
      ['a completed', 'b running'],
      ['a completed', 'b failed'],
    ]);
    expect(standingAt(r, 3).current).toBe('b');
    expect(standingAt(r, 4).current).toBe('');
    expect(standingAt(r, 4).nodes.get('b')?.error).toBe('broken');
    expect(told(r, 0, (id) => id)).toBe('Before the first node');
    expect(told(r, 2, (id) => id.toUpperCase())).toBe('A: Completed in 5 ms');
  });
  it('keeps its hands off moments that are not there', () => {
    const r = recordingOf([]);
    expect(standingAt(r, 99).nodes.size).toBe(0);
    expect(failedAt(r, 'a')).toBeUndefined();
    expect(pause(r, 0, 1)).toBe(0);
    expect(recordingOf([pass('a', 0, 1, { started_at: 'never' })]).moments).toEqual([]);
  });
  it('counts passes of a loop, and lets branches overlap', () => {
    const loop = [pass('l', 0, 10, { seq: 1 }), pass('x', 10, 5, { seq: 2 }), pass('y', 12, 10, { seq: 3 }), pass('x', 30, 5, { seq: 4 })];
    expect(words(loop, 4)).toEqual(['l completed', 'x running', 'y running']);
    expect(standingAt(recordingOf(loop), 4).current).toBe('y');
    expect(words(loop, 8)).toEqual(['l completed', 'x completed 2', 'y completed']);
  });
  it('begins anew with an attempt that begins anew, and goes on with one that goes on', () => {
    const again = [a, pass('b', 1005, 0, { seq: 2, status: 'running' }), pass('a', 9000, 1, { epoch: 2, seq: 1 })];
    expect(words(again, 3)).toEqual(['a completed', 'b running']);
    expect(words(again, 4)).toEqual(['a running']);
    const on = [a, pass('b', 1005, 0, { seq: 2, status: 'running' }), pass('c', 9000, 1, { epoch: 2, seq: 1 })];
    expect(words(on, 4)).toEqual(['a completed', 'b cancelled', 'c running']);
  });
  it('joins the segments of a job, which count their attempts each for itself', () => {
    const parts = [pass('a', 0, 5, { part: 1, epoch: 3 }), pass('b', 100, 5, { part: 2, epoch: 1 })];
    expect(words(parts, 4)).toEqual(['a completed', 'b completed']);
  });
  it('shows the run as it was then, and at the end as it is told', () => {
    const r = recordingOf([a, b]);
    expect(viewAt(view, r, 4)).toBe(view);
    const then = viewAt(view, r, 2);
    expect(then).toMatchObject({ status: 'running', error: '', failedNode: '', where: 'bot-1' });
    expect(standOf(then, 'b')?.status).toBe('pending');
    expect(standOf(view, 'z')?.status).toBe('not_reached');
    expect(standOf({ ...view, exact: false }, 'z')).toBeUndefined();
    expect(viewAt(view, r, 0).status).toBe('pending');
    expect(failedAt(r, 'b')).toBe(4);
    expect(failedAt(r, 'a')).toBeUndefined();
  });
  it('waits as long as it took, within bounds, and less when it is played faster', () => {
    const r = recordingOf([pass('a', 0, 400), pass('b', 100_400, 0, { seq: 2 })]);
    expect([0, 1, 2, 3].map((n) => pause(r, n, 1))).toEqual([120, 400, 1500, 120]);
    expect(pause(r, 2, 4)).toBe(375);
  });
  it('leaves nothing running in a run that is over', () => {
    const open = [pass('a', 0, 0, { status: 'running' })];
    expect(fromSteps(open).get('a')?.status).toBe('running');
    expect(fromSteps(open, true).get('a')?.status).toBe('cancelled');
  });
});
