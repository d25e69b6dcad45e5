import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { appended, away, lanes, modes, percentOf, took } from './machine';

const at = (s: number) => new Date(1000 * s).toISOString();
const job = (id: string, from?: number, to?: number) =>
  ({ job_id: id, ...(from === undefined ? {} : { started_at: at(from) }), ...(to === undefined ? {} : { ended_at: at(to) }) }) as Schemas['Job'];
const mode = (s: number, from: string, to: string) => ({ type: 'robot.mode_changed', at: at(s), data: { from, to } }) as unknown as Schemas['Event'];

describe('the history of a robot', () => {
  it('is away where nothing was read', () => {
    expect(away([10, 20, 30, 40, 50], [true, false, false, true, false], 10)).toEqual([
      { from: 10, to: 30, what: 'Offline' },
      { from: 40, to: 50, what: 'Offline' },
    ]);
  });
  it('is not away before anybody knew it', () => {
    expect(away([10, 20, 30, 40], [false, false, false, true], 10, 25)).toEqual([{ from: 25, to: 30, what: 'Offline' }]);
  });
  it('tells when it was held, also what began before and lasts still', () => {
    const spans = (events: Schemas['Event'][], now: string) => modes(events, now, 10_000, 100_000).map((s) => [s.what, s.from / 1000, s.to / 1000]);
    expect(spans([], 'maintenance')).toEqual([['Maintenance', 10, 100]]);
    expect(spans([], 'active')).toEqual([]);
    expect(spans([mode(20, 'active', 'maintenance'), mode(30, 'maintenance', 'active'), mode(50, 'active', 'paused')], 'paused')).toEqual([
      ['Maintenance', 20, 30],
      ['Paused', 50, 100],
    ]);
    expect(spans([mode(5, 'active', 'draining'), mode(40, 'draining', 'maintenance')], 'maintenance')).toEqual([
      ['Draining', 10, 40],
      ['Maintenance', 40, 100],
    ]);
    expect(spans([mode(60, 'maintenance', 'active')], 'active')).toEqual([['Maintenance', 10, 60]]);
  });
  it('has its jobs slot by slot, and none over another', () => {
    const l = lanes([job('c', 30), job('a', 10, 20), job('b', 15, 40), job('d', 20, 25), job('never'), job('old', 1, 2)], 5000, 50_000);
    expect(l.map((lane) => lane.map((b) => b.job.job_id))).toEqual([['a', 'd', 'c'], ['b']]);
    expect(l[0]?.[2]).toMatchObject({ open: true, to: 50_000 });
  });
  it('measures within the picture', () => {
    expect([percentOf(5, 0, 10), percentOf(-1, 0, 10), percentOf(99, 0, 10), percentOf(1, 1, 1)]).toEqual([50, 0, 100, 0]);
    expect([took({ created_at: at(1), ended_at: at(3) }), took({ created_at: at(1) })]).toEqual([2000, undefined]);
  });
});

describe('the log of a robot', () => {
  const line = (s: number, message: string) => ({ timestamp: at(s), level: 'INFO', message, source: 'n', job_id: 'j' });
  it('takes each line once, and keeps what is new', () => {
    const first = appended([], [line(1, 'a'), line(1, 'a'), line(2, 'b')], 10);
    expect(first.map((l) => l.message)).toEqual(['a', 'a', 'b']);
    const next = appended(first, [line(2, 'b'), line(3, 'c')], 10);
    expect(next.map((l) => l.message)).toEqual(['a', 'a', 'b', 'c']);
    expect(new Set(next.map((l) => l.key)).size).toBe(4);
    expect(appended(next, [line(4, 'd')], 2).map((l) => l.message)).toEqual(['c', 'd']);
  });
});
