import { describe, expect, it } from 'vitest';
import { namesAmong, offered, toggled, valuesOf } from './many';

const options = [
  { value: 'r1', name: 'Lager' },
  { value: 'r2', name: 'Büro' },
];

describe('choosing several', () => {
  it('shows what is chosen first, and what is on no list any more', () => {
    expect(offered(options, ['gone', 'r2'], '').map((o) => o.name)).toEqual(['gone', 'Büro', 'Lager']);
    expect(offered(options, ['r2'], 'lag').map((o) => o.name)).toEqual(['Büro', 'Lager']);
    expect(offered(options, [], 'x')).toEqual([]);
  });
  it('adds and takes away', () => {
    expect(toggled('', 'r1')).toBe('r1');
    expect(toggled('r1', 'r2')).toBe('r1, r2');
    expect(toggled('r1, r2', 'r1')).toBe('r2');
    expect(valuesOf(' r1 ,, r2')).toEqual(['r1', 'r2']);
    expect(valuesOf(undefined)).toEqual([]);
  });
  it('knows each word once, by name', () => {
    expect(namesAmong(['b', 'a', 'b', '']).map((o) => o.value)).toEqual(['a', 'b']);
  });
});
