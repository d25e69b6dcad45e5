import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { count, forecast, glance, may, parseItems, queueSearch, turned } from './items';

describe('items that are imported', () => {
  it('are lines of JSON, whole items or only their data', () => {
    const p = parseItems('{"reference":"1","data":{"a":1}}\n\n{"amount":12}\n{"reference":"2","amount":3}');
    expect(p).toEqual({ items: [{ reference: '1', data: { a: 1 } }, { data: { amount: 12 } }, { data: { reference: '2', amount: 3 } }], bad: [] });
  });
  it('name the lines that are wrong', () => {
    expect(parseItems('{}\nnot\n[1]\n7').bad).toEqual([
      { line: 2, why: 'is no JSON' },
      { line: 3, why: 'is no object' },
      { line: 4, why: 'is no object' },
    ]);
  });
  it('may be one array', () => {
    expect(parseItems('[{"reference":"1"},{"x":2}]').items.length).toBe(2);
    expect(parseItems('[{').bad.length).toBe(1);
  });
});

describe('a queue in words', () => {
  it('does not say that there is nothing where there is little', () => {
    expect([0, 0.02, 0.05, 1, 1.04, 2.5].map(count)).toEqual(['0', 'under 0.1', '0.1', '1', '1', '2.5']);
  });
  const sla = (more: object) =>
    ({
      at_risk: 0,
      consumers: 1,
      empty_in_seconds: 840,
      handled: 100,
      handling_ms: 9,
      overdue: 0,
      robots_needed: 2,
      state: 'green',
      ...more,
    }) as Schemas['SLA'];
  it('says whether deadlines will be met', () => {
    expect(forecast(sla({})).text).toBe('The deadlines will be met. 2 robots are needed, 1 work on it. At this rate it is empty in 14 min 0 s.');
    expect(forecast(sla({ state: 'red', overdue: 1, empty_in_seconds: 0, robots_needed: 0 })).text).toBe('1 item is overdue.');
    expect(forecast(sla({ state: 'grey', handled: 2 })).text).toBe('There is no forecast yet: 2 of the 5 items that it takes were handled.');
  });
  it('offers what the server allows', () => {
    const item = (status: string, next = '') => ({ status, ...(next ? { next_item_id: next } : {}) }) as Schemas['QueueItem'];
    expect([may.retry(item('failed')), may.retry(item('abandoned', 'x')), may.retry(item('new'))]).toEqual([true, false, false]);
    expect([may.postpone(item('new')), may.remove(item('in_progress')), may.remove(item('retried'))]).toEqual([true, false, true]);
  });
  it('keeps its address', () => {
    expect(queueSearch({ status: 'failed', q: 4711, sel: 'x', y: 1 })).toEqual({ status: 'failed', q: '4711', sel: 'x' });
    expect(queueSearch({ status: ['failed', 'new', 'odd'], item: 'x' })).toEqual({ status: 'new,failed', sel: 'x' });
    expect([turned({}, 'failed'), turned({ status: 'new,failed' }, 'new'), turned({ status: 'failed' }, 'new')]).toEqual(['failed', 'failed', 'new,failed']);
    expect(queueSearch({ status: 'gone' })).toEqual({});
  });
});

describe('a queue at a glance', () => {
  const sla = (state: string, overdue = 0) => ({ state, overdue }) as Schemas['SLA'];
  it('says how it stands to its deadlines, and nothing where nobody knows', () => {
    expect(glance(sla('red', 3))).toEqual({ shape: '▲', word: '3 overdue', tone: 'error' });
    expect(glance(sla('amber'))?.word).toBe('Deadlines at risk');
    expect(glance(sla('green'))?.shape).toBe('✓');
    expect(glance(sla('grey'))).toBeUndefined();
  });
  it('keeps the range of its course in the address', () => {
    expect(queueSearch({ range: '7d' })).toEqual({ range: '7d' });
    expect(queueSearch({ range: '24h' })).toEqual({});
    expect(queueSearch({ range: '9y' })).toEqual({});
  });
});
