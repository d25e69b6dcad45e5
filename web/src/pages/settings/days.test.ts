import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { holidaysOf, holidaysText, hoursOf, hoursText, namesOf, Unread, windowsOf, windowsText } from './days';
import { bodyOf, forText, robotsOf, valuesOf, whenOf } from './reservations';

describe('rules that people write', () => {
  it('of hours are read and written the same', () => {
    const text = 'Mon-Thu 08:00-18:00\nFri 08:00-14:00\nSun 10:00-12:00';
    const hours = hoursOf(text);
    expect(hours).toHaveLength(6);
    expect(hours[4]).toEqual({ weekday: 4, from: '08:00', until: '14:00' });
    expect(hoursText(hours)).toBe(text);
    expect(hoursOf('monday 08:00 - 12:00')).toEqual([{ weekday: 0, from: '08:00', until: '12:00' }]);
    expect(hoursText(hoursOf('Mon 13:00-17:00\nMon 08:00-12:00'))).toBe('Mon 08:00-12:00\nMon 13:00-17:00');
    for (const bad of ['Mon', 'Fri-Mon 08:00-12:00', 'Day 08:00-12:00', '08:00-12:00']) expect(() => hoursOf(bad), bad).toThrow(Unread);
  });
  it('of holidays are read and written the same', () => {
    const text = '2026-12-24 Closed\n12-25 Christmas Day\neaster+1 Easter Monday\neaster-2\neaster\nlast Mon of May Spring\nfourth Thu of Nov';
    const days = holidaysOf(text);
    expect(days[2]).toEqual({ easter: 1, name: 'Easter Monday' });
    expect(days[4]).toEqual({ easter: 0 });
    expect(days[5]).toEqual({ nth: -1, weekday: 0, month: 5, name: 'Spring' });
    expect(holidaysText(days)).toBe(text);
    for (const bad of ['Christmas', 'fifth Mon of May', 'last Day of May']) expect(() => holidaysOf(bad), bad).toThrow(Unread);
  });
  it('of windows have a zone', () => {
    expect(windowsOf('2026-12-31T13:00:00+01:00 2027-01-01T12:00Z')).toEqual([{ from: '2026-12-31T12:00:00.000Z', until: '2027-01-01T12:00:00.000Z' }]);
    expect(windowsText(windowsOf(' \n'))).toBe('');
    for (const bad of ['2026-12-31', '2026-12-31T12:00:00 2027-01-01T12:00:00', '2026-12-31T12:00:00Z']) expect(() => windowsOf(bad), bad).toThrow(Unread);
  });
  it('of names are parted by commas or spaces', () => {
    expect(namesOf(' a, b  c,')).toEqual(['a', 'b', 'c']);
    expect(namesOf(undefined)).toEqual([]);
  });
});

describe('reservations', () => {
  const r: Schemas['Reservation'] = {
    reservation_id: 'r',
    tenant_id: 'default',
    name: 'month end',
    note: 'payroll',
    selector: { pools: ['finance'], tags: ['a', 'b'], facts: [{ fact: 'cpus', op: '>=', value: '4' } as unknown as Schemas['Comparison']] },
    slots: 2,
    for: { labels: { team: 'payroll', kind: 'a=b' }, workflows: ['w1'], priority_at_most: 5 },
    lend: true,
    recall: 'stop',
    recall_grace_seconds: 30,
    cron: '0 8 * * 1-5',
    length_seconds: 7200,
    timezone: 'Europe/Berlin',
    enabled: false,
    created_at: '2026-11-27T21:00:00Z',
    updated_at: '2026-11-27T21:00:00Z',
  };
  it('are the same when the form that shows one is sent', () => {
    const { reservation_id, tenant_id, created_at, updated_at, ...body } = r;
    expect(bodyOf(valuesOf(r), r)).toEqual(body);
    const { cron, length_seconds, timezone, ...rest } = r;
    const windows = [{ from: '2026-12-01T00:00:00.000Z', until: '2026-12-01T06:00:00.000Z' }];
    expect(bodyOf(valuesOf({ ...rest, windows }), r).windows).toEqual(windows);
  });
  it('are told in words', () => {
    expect(robotsOf(r.selector)).toBe('Pools finance · Tags a, b · 1 fact');
    expect(robotsOf({ all: true })).toBe('All robots');
    expect(forText(r.for, new Map([['w1', 'Pay']]))).toBe('team=payroll · kind=a=b · workflows Pay · priority High or more urgent');
    expect(whenOf(r)).toBe('0 8 * * 1-5, 120 min, Europe/Berlin');
    expect(whenOf({ ...r, cron: '' })).toBe('Always');
  });
});
