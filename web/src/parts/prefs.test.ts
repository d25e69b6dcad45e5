// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from 'vitest';
import { ownZone, prefs, read, rowHeight, setPrefs } from './prefs';
import { clock, exact, hour, zoneAt } from './Time';

afterEach(() => setPrefs(read(null)));

describe('what a browser keeps', () => {
  it('is understood as far as it is known', () => {
    expect(read(null).theme).toBe('system');
    expect(read('{"theme":"light","density":"huge","zone":"Europe/Nowhere","hours":"12"}')).toEqual({
      theme: 'light',
      density: 'normal',
      motion: 'system',
      hours: '12',
      zone: '',
    });
    expect(read('[').density).toBe('normal');
    expect(read('null').density).toBe('normal');
  });

  it('is kept, and changes what is shown', () => {
    setPrefs({ density: 'compact', motion: 'none' });
    expect(read(localStorage.getItem('fleet.prefs'))).toEqual(prefs());
    expect(rowHeight()).toBe(28);
    expect(document.documentElement.dataset.density).toBe('compact');
    expect(document.documentElement.dataset.motion).toBe('none');
  });
});

describe('times', () => {
  const t = '2026-11-28T23:05:09Z';
  it('are those of the zone that is chosen', () => {
    setPrefs({ zone: 'Asia/Tokyo' });
    expect(ownZone()).toBe('Asia/Tokyo');
    expect(exact(t)).toBe('2026-11-29 08:05:09');
    setPrefs({ zone: 'America/New_York' });
    expect(exact(t)).toBe('2026-11-28 18:05:09');
    expect(clock('2026-11-28T05:00:00Z')).toBe('00:00:00');
    expect([hour(t), zoneAt(t), zoneAt('2026-07-01T00:00:00Z')]).toEqual([18, 'UTC-05:00', 'UTC-04:00']);
    setPrefs({ zone: 'UTC' });
    expect([zoneAt(t), exact('nonsense')]).toEqual(['UTC', 'Invalid Date Invalid Date']);
  });

  it('have twelve hours where somebody wants that', () => {
    setPrefs({ zone: 'UTC', hours: '12' });
    expect(clock(t)).toBe('11:05:09 pm');
    expect(exact('2026-11-28T00:00:00Z')).toBe('2026-11-28 12:00:00 am');
  });
});
