import { describe, expect, it } from 'vitest';
import { choiceOf, choiceText, none, ranged, toggled } from './selection';

const shown = ['a', 'b', 'c', 'd', 'e'];
const list = (c: { ids: ReadonlySet<string> }) => [...c.ids].sort().join('');

describe('what is chosen', () => {
  it('is turned row by row', () => {
    const one = toggled(none, 'b', shown);
    expect(list(one)).toBe('b');
    expect(list(toggled(one, 'd', shown))).toBe('bd');
    expect(list(toggled(one, 'b', shown))).toBe('');
  });
  it('is a range from the last choice, in either direction', () => {
    const from = toggled(none, 'c', shown);
    expect(list(ranged(from, 'e', shown))).toBe('cde');
    expect(list(ranged(from, 'a', shown))).toBe('abc');
    expect(list(ranged(ranged(from, 'd', shown), 'e', shown))).toBe('cde');
  });
  it('begins a range where nothing was chosen yet', () => {
    expect(list(ranged(none, 'd', shown))).toBe('d');
    expect(ranged(none, 'gone', shown)).toBe(none);
  });
  it('is in the address, where that has room for it', () => {
    const some = { ids: new Set(['a', 'b']), all: false };
    expect(choiceText(some)).toBe('a,b');
    expect(choiceOf('a,b')).toEqual(some);
    expect(choiceOf(choiceText({ ids: new Set(), all: true }))).toEqual({ ids: new Set(), all: true });
    expect([choiceText(none), choiceOf(undefined)]).toEqual([undefined, none]);
    expect(choiceText({ ids: new Set(Array.from({ length: 51 }, (_, i) => `j${i}`)), all: false })).toBeUndefined();
  });
  it('leaves one row out of all that match', () => {
    const all = { ids: new Set<string>(), all: true };
    const rest = toggled(all, 'b', shown);
    expect(rest.all).toBe(false);
    expect(list(rest)).toBe('acde');
  });
});
