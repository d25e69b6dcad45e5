import { describe, expect, it } from 'vitest';
import { type Command, Keys, nameOf, type Press, steps } from './keys';

const press = (key: string, more: Partial<Press> = {}): Press => ({ key, ctrl: false, shift: false, alt: false, at: 0, typing: false, ...more });
const made = (...keys: string[]) => {
  const list: Command[] = keys.map((k, i) => ({ name: `${i} ${k}`, group: '', keys: k, run: () => undefined }));
  const k = new Keys(() => list);
  return (p: Press, single = true) => {
    const c = k.press(p, single);
    return typeof c === 'object' ? c.name : c;
  };
};

describe('keys', () => {
  it('have names', () => {
    expect([
      nameOf(press('k', { ctrl: true })),
      nameOf(press('K', { shift: true })),
      nameOf(press('?', { shift: true })),
      nameOf(press(' ')),
      nameOf(press('ArrowDown', { shift: true })),
      nameOf(press('a', { alt: true })),
      nameOf(press('Shift', { shift: true })),
      nameOf(press('K')), // with the lock on
    ]).toEqual(['Ctrl K', 'Shift K', '?', 'Space', 'Shift ↓', '', '', 'k']);
    expect([steps('g r'), steps('Shift K'), steps('Ctrl Shift Z'), steps('[')]).toEqual([['g', 'r'], ['Shift K'], ['Ctrl Shift Z'], ['[']]);
  });
  it('go to their command, also two after each other, and the newest part comes first', () => {
    const on = made('g r', 'r', '?', 'r');
    expect(on(press('r'))).toBe('3 r');
    expect(on(press('g'))).toBe('first');
    expect(on(press('r', { at: 500 }))).toBe('0 g r');
    expect(on(press('r', { at: 600 }))).toBe('3 r');
    on(press('g', { at: 1000 }));
    expect(on(press('r', { at: 3000 }))).toBe('3 r'); // too late
    on(press('g', { at: 4000 }));
    expect(on(press('x', { at: 4100 }))).toBeUndefined();
    expect(on(press('r', { at: 4200 }))).toBe('3 r');
    on(press('g', { at: 5000 }));
    expect(on(press('Shift', { shift: true, at: 5100 }))).toBeUndefined();
    expect(on(press('r', { at: 5200 }))).toBe('0 g r'); // a modifier alone ends nothing
  });
  it('are text in fields, and can be switched off, but for those with Ctrl', () => {
    const on = made('r', 'Ctrl K');
    expect(on(press('r', { typing: true }))).toBeUndefined();
    expect(on(press('r'), false)).toBeUndefined();
    expect(on(press('k', { ctrl: true, typing: true }), false)).toBe('1 Ctrl K');
    const all = made('Ctrl A');
    expect(all(press('a', { ctrl: true, typing: true }))).toBeUndefined();
    expect(all(press('a', { ctrl: true }))).toBe('0 Ctrl A');
  });
});
