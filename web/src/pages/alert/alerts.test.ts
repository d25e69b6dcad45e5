import { describe, expect, it } from 'vitest';
import {
  type Channel,
  condition,
  goesTo,
  type Incident,
  ids,
  incidentSearch,
  minutes,
  page,
  type Rule,
  type Silence,
  selectorOf,
  silent,
  within,
} from './alerts';

const incident = (kind: string, id: string, data: object = {}): Incident => ({ subject: { kind, id }, data }) as unknown as Incident;

describe('alerts', () => {
  it('leads to what an incident is about', () => {
    expect(page(incident('robot', 'r 1'))?.to).toBe('/fleet/robots/r%201');
    expect(page(incident('workflow', 'w'))?.to).toBe('/workflows/w');
    expect(page(incident('workflow', 'w', { job_id: 'j' }))).toEqual({ to: '/fleet/jobs/j', name: 'Open the last job' });
    expect(page(incident('fleet', 'x'))).toBeUndefined();
  });

  it('says rules and channels in words', () => {
    expect(within(1800)).toBe('30 min');
    expect(within(5400)).toBe('1 h 30 min');
    expect(condition({ params: { percent: 20, at_least: 5, window_seconds: 3600 } } as Rule)).toBe('more than 20 % of at least 5 jobs within 1 h');
    expect(condition({ params: {} } as Rule)).toBe('');
    expect(goesTo({ email: { host: 'mail', to: ['a@b', 'c@d'] } } as unknown as Channel)).toBe('a@b, c@d by mail');
    expect(goesTo({} as Channel)).toBe('The log of the server');
  });

  it('reads what is typed', () => {
    expect(ids(' a, b\nc ')).toEqual(['a', 'b', 'c']);
    expect(minutes('1.5')).toBe(90);
    expect(minutes(' ')).toBeUndefined();
    expect(incidentSearch({ state: 'resolved' })).toEqual({ state: 'resolved' });
    expect(incidentSearch({ state: 'x' })).toEqual({});
  });

  it('narrows a rule to what was named, and to nothing else', () => {
    expect(selectorOf({ name: 'x', workflows: '', robots: 'r1, r2', schedules: ' ' })).toEqual({ robots: ['r1', 'r2'] });
    expect(selectorOf({ name: 'x', workflows: ' ' })).toBeUndefined();
  });

  it('knows when it is silent', () => {
    const s = { from: '2026-11-27T10:00:00Z', until: '2026-11-27T12:00:00Z' } as Silence;
    expect(silent(s, Date.parse('2026-11-27T11:00:00Z'))).toBe(true);
    expect(silent(s, Date.parse('2026-11-27T12:00:00Z'))).toBe(false);
    expect(silent({ ...s, calendar_id: 'c' } as Silence, Date.parse('2026-11-27T11:00:00Z'))).toBe(false);
  });
});
