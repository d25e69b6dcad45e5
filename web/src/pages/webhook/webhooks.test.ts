import { describe, expect, it } from 'vitest';
import { bodyOf, came, draftOf, newDraft, pretty, standing, Unreadable, underWay, type Webhook } from './webhooks';

const hook = (more: Partial<Webhook>): Webhook =>
  ({
    name: 'pager',
    url: 'https://example.org/x',
    event_types: ['job.failed'],
    enabled: true,
    ordered: true,
    rate_per_second: 5,
    delivered_count: 0,
    ...more,
  }) as Webhook;

describe('webhooks', () => {
  it('sends what is in the form, and nothing that cannot be read', () => {
    const d = draftOf(hook({ filter: [{ path: '/job/environment', op: '==', value: 'prod' }] as NonNullable<Webhook['filter']> }));
    expect(bodyOf(d)).toMatchObject({ name: 'pager', event_types: ['job.failed'], ordered: true, rate_per_second: 5, filter: [{ value: 'prod' }] });
    expect(bodyOf({ ...d, all: true, filter: '' })).toMatchObject({ event_types: [], filter: [] });
    expect(() => bodyOf({ ...d, filter: '[' })).toThrow(Unreadable);
    expect(() => bodyOf({ ...newDraft(), types: [] })).toThrow('at least one event');
    expect(draftOf(hook({ event_types: [] })).all).toBe(true);
  });

  it('is under way while something waits, unless it is disabled', () => {
    expect(underWay(hook({ waiting_count: 0, behind_count: 0 }))).toBe(false);
    expect(underWay(hook({ waiting_count: 0, behind_count: 2 }))).toBe(true);
    expect(underWay(hook({ waiting_count: 1, behind_count: 0, enabled: false }))).toBe(false);
  });

  it('says how one fares', () => {
    expect(standing(hook({}))).toBe('new');
    expect(standing(hook({ delivered_count: 3 }))).toBe('healthy');
    expect(standing(hook({ delivered_count: 3, failing_since: '2026-01-01T00:00:00Z' }))).toBe('failing');
    expect(standing(hook({ enabled: false, failing_since: '2026-01-01T00:00:00Z' }))).toBe('disabled');
  });

  it('says what became of a call', () => {
    const at = { at: '', url: '', took_ms: 12 };
    expect(came({ ...at, status: 204 })).toBe('It has arrived: 204 after 12 ms.');
    expect(came({ ...at, status: 302 })).toBe('It was refused: 302 after 12 ms.');
    expect(came({ ...at, fault: 'No answer.' })).toBe('No answer.');
    expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(pretty('plain')).toBe('plain');
    expect(pretty({ a: 1 })).toBe('{\n  "a": 1\n}');
  });
});
