import { describe, expect, it } from 'vitest';
import { shownOf } from './started';

describe('settings', () => {
  it('are told with their units', () => {
    expect(shownOf({ name: 'retention-jobs-days', value: '90' })).toBe('90 days');
    expect(shownOf({ name: 'retention-jobs-days', value: '1' })).toBe('1 day');
    expect(shownOf({ name: 'retention-audit-days', value: '0' })).toBe('For ever');
    expect(shownOf({ name: 'limit-pending', value: '100000' })).toBe('100,000');
    expect(shownOf({ name: 'limit-body', value: '1MiB' })).toBe('1MiB');
  });
});
