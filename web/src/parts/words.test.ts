import { describe, expect, it } from 'vitest';
import { between, label, priority, span } from './words';

describe('the words of the fleet', () => {
  it('are those of the API with a capital and spaces', () => {
    expect(label('needs_decision')).toBe('Needs decision');
    expect(label('online')).toBe('Online');
    expect(label('')).toBe('');
  });
  it('name priorities, of which 0 goes first', () => {
    expect([0, 5, 10, 15, 7].map(priority)).toEqual(['Critical', 'High', 'Normal', 'Low', '7']);
  });
  it('tell spans in two units', () => {
    expect([-5, 12, 4000, 192_000, 3_720_000, 90_000_000].map(span)).toEqual(['0 s', '12 ms', '4 s', '3 min 12 s', '1 h 2 min', '1 d 1 h']);
    expect(between('2026-01-01T00:00:00Z', '2026-01-01T00:00:04Z')).toBe('4 s');
    expect(between('2026-01-01T00:00:00Z')).toBe('');
  });
});
